import { X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, createServer, type TLSSocket } from "node:tls";
import { afterEach, expect, it } from "vitest";
import { createAuthority, openAuthority } from "./certificates.ts";

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0).toReversed()) await step();
});

it("makes certificates that a strict TLS client takes for their names, and for no others", async () => {
  const authority = createAuthority();
  const leaf = authority.issue(["mx.bigmail.test", "127.0.0.1"]);
  const server = createServer(leaf, (socket) => socket.end());
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  cleanUp.push(() => new Promise((done) => server.close(done)));
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  const attempt = (servername: string, ca: string) =>
    new Promise<string>((done) => {
      const socket: TLSSocket = connect({ host: "127.0.0.1", port, servername, ca }, () => {
        done(socket.authorized ? "trusted" : "not trusted");
        socket.destroy();
      });
      socket.on("error", (error: NodeJS.ErrnoException) => done(error.code ?? error.message));
    });
  expect(await attempt("mx.bigmail.test", authority.cert)).toBe("trusted");
  expect(await attempt("mx.other.test", authority.cert)).toBe("ERR_TLS_CERT_ALTNAME_INVALID");
  expect(await attempt("mx.bigmail.test", createAuthority().cert)).not.toBe("trusted");
});

it("lasts ten years and chains to its authority", () => {
  const authority = createAuthority();
  const leaf = new X509Certificate(authority.issue(["a.test"]).cert);
  const root = new X509Certificate(authority.cert);
  expect(leaf.verify(root.publicKey)).toBe(true);
  expect(root.ca).toBe(true);
  expect(leaf.ca).toBe(false);
  expect(leaf.checkHost("a.test")).toBe("a.test");
  expect(leaf.validToDate.getTime() - Date.now()).toBeGreaterThan(3600 * 86_400_000);
  expect(() => authority.issue([])).toThrow(/at least one name/);
});

it("keeps its authority in a directory", () => {
  const directory = mkdtempSync(join(tmpdir(), "devnet-ca-"));
  cleanUp.push(() => rmSync(directory, { recursive: true }));
  const first = openAuthority(directory);
  const again = openAuthority(directory);
  expect(again.cert).toBe(first.cert);
  const leaf = new X509Certificate(again.issue(["a.test"]).cert);
  expect(leaf.verify(new X509Certificate(first.cert).publicKey)).toBe(true);
});
