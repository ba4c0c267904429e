import { createConnection, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { isPublicAddress } from "../protocol/dns/index.ts";
import type { SmtpConnect, SmtpSocket, TlsSession } from "../protocol/smtp-probe/index.ts";

type SmtpConnectOptions = {
  /** Sandbox and tests: loopback and private addresses are allowed too. Default false. */
  allowPrivate?: boolean;
  /** For each wait: the connection, a line, TLS. Default 10 s. */
  timeoutMs?: number;
  /** For the whole conversation, however it drips. Default 60 s. */
  lifeMs?: number;
  /** PEM, trusted beside the system's authorities. */
  ca?: string;
};

const MAX_LINE = 2_048;
const MAX_CHAIN = 10;

/** Connections for `probeSmtp`: bounded in time and size, and only to addresses of the internet. Never rejects. */
export function createSmtpConnect(options: SmtpConnectOptions = {}): SmtpConnect {
  const timeoutMs = options.timeoutMs ?? 10_000;
  const lifeMs = options.lifeMs ?? 60_000;
  return async (address, port) => {
    if (!options.allowPrivate && !isPublicAddress(address))
      return { fault: `${address} is not an address of the internet; it was not contacted` };
    const socket = createConnection({ host: address, port });
    const fault = await opened(socket, "connect", timeoutMs);
    if (fault !== undefined) return { fault };
    const life = setTimeout(() => socket.destroy(), lifeMs);
    socket.once("close", () => clearTimeout(life));
    return smtpSocket(socket, timeoutMs, options.ca);
  };
}

const asleep = () => {};

function smtpSocket(plain: Socket, timeoutMs: number, ca: string | undefined): SmtpSocket {
  let socket = plain;
  let buffered = "";
  let ended = false;
  let wake = asleep;
  const onData = (chunk: Buffer) => {
    buffered += chunk.toString("latin1");
    wake();
  };
  const onEnd = () => {
    ended = true;
    wake();
  };
  function listen(): void {
    socket.on("data", onData).on("error", onEnd).on("close", onEnd).on("end", onEnd);
  }
  listen();
  return {
    async readLine() {
      const until = Date.now() + timeoutMs;
      for (;;) {
        const end = buffered.indexOf("\n");
        if (end >= 0) {
          const line = buffered.slice(0, end).replace(/\r$/, "");
          buffered = buffered.slice(end + 1);
          return line.slice(0, MAX_LINE);
        }
        const left = until - Date.now();
        if (ended || left <= 0 || buffered.length > MAX_LINE) return undefined;
        await new Promise<void>((go) => {
          const timer = setTimeout(go, left);
          wake = () => {
            clearTimeout(timer);
            go();
          };
        });
      }
    },
    write: (text) => {
      if (!socket.destroyed) socket.write(text);
    },
    async startTls(host) {
      // What came in clear after the 220 would be read as if it were protected (CVE-2011-0411).
      if (buffered !== "") return { fault: "the server went on in clear after STARTTLS" };
      socket.off("data", onData).off("error", onEnd).off("close", onEnd).off("end", onEnd);
      const secure = connectTls({
        socket,
        servername: host,
        rejectUnauthorized: false,
        ...(ca !== undefined && { ca: [ca] }),
      });
      const fault = await opened(secure, "secureConnect", timeoutMs);
      if (fault !== undefined) return { fault };
      socket = secure;
      listen();
      return sessionOf(secure, host);
    },
    close: () => socket.destroy(),
  };
}

/** Waits for the event; why it did not come otherwise. */
function opened(socket: Socket, event: string, timeoutMs: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => finish(`no connection within ${timeoutMs} ms`), timeoutMs);
    function finish(fault?: string): void {
      clearTimeout(timer);
      if (fault !== undefined) socket.destroy();
      resolve(fault);
    }
    socket.once(event, () => finish());
    socket.on("error", (error) => finish(error.message));
    socket.once("close", () => finish("the connection was closed"));
  });
}

function sessionOf(socket: TLSSocket, host: string): TlsSession {
  // Asked for once: Node gives it away at the first call.
  const leaf = socket.getPeerX509Certificate();
  const chain: Uint8Array[] = [];
  for (let at = leaf; at && chain.length < MAX_CHAIN; at = at.issuerCertificate) chain.push(at.raw);
  return {
    protocol: socket.getProtocol() ?? "unknown",
    named: leaf?.checkHost(host) !== undefined,
    expiresAt: leaf ? Date.parse(leaf.validTo) : 0,
    chain,
    ...(untrusted(socket) !== undefined && { untrusted: untrusted(socket)! }),
  };
}

/** A name that does not match is told apart, so it is no reason here. */
function untrusted(socket: TLSSocket): string | undefined {
  const code = String(
    (socket.authorizationError as unknown as NodeJS.ErrnoException)?.code ?? socket.authorizationError,
  );
  return socket.authorized || code === "ERR_TLS_CERT_ALTNAME_INVALID" ? undefined : code;
}
