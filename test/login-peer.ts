import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What a path answers instead of the right thing. `body`: the form or JSON that was sent. */
export type Answer = (res: ServerResponse, asked: Asked) => void;
export type Script = Partial<Record<Path, Answer>>;
type Path = keyof typeof PATHS;
type Asked = { path: Path | "elsewhere"; body: string; request: IncomingMessage; origin: string };

const PATHS = {
  did: /^\/did:plc:/,
  resource: /^\/\.well-known\/oauth-protected-resource$/,
  metadata: /^\/\.well-known\/oauth-authorization-server$/,
  par: /^\/par$/,
  token: /^\/token$/,
  revoke: /^\/revoke$/,
  write: /^\/xrpc\/com\.atproto\.repo\.putRecord$/,
};

export const ADA = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
export const BEN = "did:plc:bbbbbbbbbbbbbbbbbbbbbbbb";
const HANDLES: Record<string, string> = { [ADA]: "ada.test", [BEN]: "ben.test" };

export const json = (body: unknown, status = 200, headers: Record<string, string> = {}): Answer =>
  text(JSON.stringify(body), status, headers);
export const text =
  (body: string, status = 200, headers: Record<string, string> = {}): Answer =>
  (res) =>
    void res.writeHead(status, { "content-type": "application/json", ...headers }).end(body);
export const hangs: Answer = () => undefined;
/** A letter now and then, without an end. */
export const drips: Answer = (res) => {
  res.writeHead(200, { "content-type": "application/json" });
  const timer = setInterval(() => res.write(" "), 20);
  res.on("close", () => clearInterval(timer));
};
export const redirects =
  (to: string): Answer =>
  (res) =>
    void res.writeHead(302, { location: to }).end();

export const metadataOf = (origin: string) => ({
  issuer: origin,
  authorization_endpoint: `${origin}/authorize`,
  token_endpoint: `${origin}/token`,
  revocation_endpoint: `${origin}/revoke`,
  pushed_authorization_request_endpoint: `${origin}/par`,
  require_pushed_authorization_requests: true,
  response_types_supported: ["code"],
  grant_types_supported: ["authorization_code"],
  code_challenge_methods_supported: ["S256"],
  scopes_supported: ["atproto"],
  token_endpoint_auth_methods_supported: ["private_key_jwt", "none"],
  token_endpoint_auth_signing_alg_values_supported: ["ES256"],
  dpop_signing_alg_values_supported: ["ES256"],
  authorization_response_iss_parameter_supported: true,
  client_id_metadata_document_supported: true,
});

export const didDocument = (did: string, origin: string, handle = HANDLES[did]) => ({
  "@context": ["https://www.w3.org/ns/did/v1"],
  id: did,
  alsoKnownAs: [`at://${handle}`],
  service: [{ id: "#atproto_pds", type: "AtprotoPersonalDataServer", serviceEndpoint: origin }],
});

export const tokens = (sub: string, change: object = {}) => ({
  access_token: "access-of-ada",
  token_type: "DPoP",
  sub,
  scope: "atproto",
  expires_in: 300,
  ...change,
});

const RIGHT: Record<Path, Answer> = {
  did: (res, asked) => {
    const did = decodeURIComponent(asked.request.url!.slice(1));
    json(didDocument(did, asked.origin))(res, asked);
  },
  resource: (res, asked) =>
    json({ resource: asked.origin, authorization_servers: [asked.origin] })(res, asked),
  metadata: (res, asked) => json(metadataOf(asked.origin))(res, asked),
  par: json({ request_uri: "urn:ietf:params:oauth:request_uri:one", expires_in: 300 }, 201),
  token: json(tokens(ADA)),
  revoke: json({}),
  write: json({ uri: `at://${ADA}/community.email.attestation/ada.test`, cid: "bafy" }),
};

/** One server that is PLC directory, PDS and authorization server; right in all but what the script says. */
export async function startPeer() {
  let script: Script = {};
  const asked: Asked[] = [];
  const server = createServer(async (request, res) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { pathname } = new URL(request.url!, origin);
    const path = (Object.keys(PATHS) as Path[]).find((name) =>
      PATHS[name].test(decodeURIComponent(pathname)),
    );
    const one: Asked = { path: path ?? "elsewhere", body: Buffer.concat(chunks).toString(), request, origin };
    asked.push(one);
    if (path === undefined) return void res.writeHead(404).end();
    (script[path] ?? RIGHT[path])(res, one);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    origin,
    asked: (path: Path | "elsewhere") => asked.filter((one) => one.path === path),
    play(next: Script): void {
      script = next;
      asked.length = 0;
    },
    close(): void {
      server.closeAllConnections();
      server.close();
    },
  };
}
