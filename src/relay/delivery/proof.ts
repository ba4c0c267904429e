import { isIP } from "node:net";
import type { TLSSocket } from "node:tls";
import type { TlsProof } from "../../transport/index.ts";

const MAX_CHAIN = 10;

/** What a connection has shown of the host that is called `name`; without a socket: no TLS. */
export function proofOf(name: string, socket: TLSSocket | undefined, offersRequireTls: boolean): TlsProof {
  if (!socket) {
    return { version: "", cipher: "", chain: [], untrusted: undefined, named: false, offersRequireTls };
  }
  // Asked for once: Node gives it away at the first call.
  const leaf = socket.getPeerX509Certificate();
  const chain: Uint8Array[] = [];
  for (let at = leaf; at && chain.length < MAX_CHAIN; at = at.issuerCertificate) chain.push(at.raw);
  const exact = { subject: "never", partialWildcards: false } as const;
  const named = isIP(name) !== 0 ? leaf?.checkIP(name) : leaf?.checkHost(name, exact);
  return {
    version: socket.getProtocol() ?? "TLS",
    cipher: socket.getCipher()?.name ?? "",
    chain,
    untrusted: untrusted(socket),
    named: named !== undefined,
    offersRequireTls,
  };
}

/** OpenSSL's code. A name that does not match is told apart, so it is no reason here. */
function untrusted(socket: TLSSocket): string | undefined {
  const error = socket.authorizationError as unknown as NodeJS.ErrnoException | string | null;
  const code = String(typeof error === "string" ? error : (error?.code ?? error));
  return socket.authorized || code === "ERR_TLS_CERT_ALTNAME_INVALID" ? undefined : code;
}
