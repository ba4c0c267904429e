import { createServer } from "node:http";
import type { Server } from "./process.ts";

type Document = { verificationMethod?: { id: string; type: string; publicKeyMultibase: string }[] };
type Data = { verificationMethods: Record<string, string> };

/**
 * The DID documents of a PLC directory with their keys as `Multikey`, the form of the public directory. The published
 * `@did-plc/server` still writes the forms of 2019, which Jetstream does not read.
 */
export async function startMultikeyPlc(plcUrl: string): Promise<Server & { url: string }> {
  const server = createServer((request, response) => {
    document(plcUrl, request.url ?? "/").then(
      ({ status, body }) => response.writeHead(status, { "content-type": "application/json" }).end(body),
      (error: unknown) => response.writeHead(502).end(String(error)),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const stop = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { url: `http://127.0.0.1:${address.port}`, stop, [Symbol.asyncDispose]: stop };
}

async function document(plcUrl: string, path: string): Promise<{ status: number; body: string }> {
  const found = await fetch(`${plcUrl}${path}`);
  const body = await found.text();
  if (!found.ok || !/^\/did:plc:[a-z2-7]+$/.test(path)) return { status: found.status, body };
  const data = (await (await fetch(`${plcUrl}${path}/data`)).json()) as Data;
  const plain = JSON.parse(body) as Document;
  const verificationMethod = plain.verificationMethod?.map((method) => {
    const key = data.verificationMethods[method.id.split("#")[1] ?? ""];
    if (key === undefined) return method;
    return { ...method, type: "Multikey", publicKeyMultibase: key.replace("did:key:", "") };
  });
  return { status: found.status, body: JSON.stringify({ ...plain, verificationMethod }) };
}
