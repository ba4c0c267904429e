import { once } from "node:events";
import { createServer, type AddressInfo, type Server } from "node:net";
import { SMTPServer } from "smtp-server";
import { afterEach, describe, expect, test } from "vitest";
import { probeSmtp } from "../protocol/smtp-probe/index.ts";
import { createSmtpConnect } from "./smtp-connect.ts";

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

/** A real mail server with the certificate that the library brings along: for localhost, and long expired. */
async function mailServer(options: ConstructorParameters<typeof SMTPServer>[0] = {}): Promise<number> {
  const server = new SMTPServer({ authOptional: true, logger: false, ...options });
  server.on("error", () => {});
  server.listen(0, "127.0.0.1");
  await once(server.server, "listening");
  closing.push(() => new Promise<void>((done) => server.close(() => done())));
  return (server.server.address() as AddressInfo).port;
}

/** A server that says this at once and then nothing. */
async function saying(text: string): Promise<number> {
  const server: Server = createServer((socket) => {
    socket.on("error", () => {}).resume();
    socket.write(text);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closing.push(() => new Promise((done) => server.close(done)));
  return (server.address() as AddressInfo).port;
}

const probe = (port: number, host = "localhost", timeoutMs = 2_000) =>
  probeSmtp(
    { host, address: "127.0.0.1", port },
    "checker.test",
    createSmtpConnect({ allowPrivate: true, timeoutMs }),
  );

describe("a conversation with a real mail server", () => {
  test("TLS, and what its certificate is worth", async () => {
    const found = await probe(await mailServer());
    expect(found).toMatchObject({
      status: "secured",
      session: { protocol: "TLSv1.3", named: true, untrusted: "CERT_HAS_EXPIRED" },
    });
    expect(found.status === "secured" && found.session.chain.length).toBe(1);
    expect(found.status === "secured" && found.session.expiresAt).toBeGreaterThan(0);
  });
  test("a certificate for another name", async () => {
    const found = await probe(await mailServer(), "mx.x.test");
    expect(found).toMatchObject({ status: "secured", session: { named: false } });
  });
  test("no STARTTLS", async () => {
    expect(await probe(await mailServer({ hideSTARTTLS: true }))).toMatchObject({ status: "no-starttls" });
  });
});

describe("a hostile one", () => {
  test("silence ends by itself", async () => {
    expect(await probe(await saying(""), "localhost", 50)).toMatchObject({ status: "unreachable" });
  });
  test("a reply that drips is cut off", async () => {
    const server = createServer((socket) => {
      const drip = setInterval(() => socket.write("220-x\r\n"), 10);
      socket.on("error", () => {}).on("close", () => clearInterval(drip));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    closing.push(() => new Promise((done) => server.close(done)));
    const { port } = server.address() as AddressInfo;
    const connect = createSmtpConnect({ allowPrivate: true, timeoutMs: 2_000, lifeMs: 100 });
    const found = await probeSmtp({ host: "localhost", address: "127.0.0.1", port }, "checker.test", connect);
    expect(found).toMatchObject({ status: "unreachable" });
  });
  test("a line without end", async () => {
    expect(await probe(await saying("2".repeat(100_000)))).toMatchObject({ status: "unreachable" });
  });
  test("commands injected before TLS", async () => {
    const port = await saying("220 x\r\n250-x\r\n250 STARTTLS\r\n220 go\r\n250 injected\r\n");
    expect(await probe(port)).toEqual({
      status: "tls-failed",
      detail: "the server went on in clear after STARTTLS",
    });
  });
  test("no TLS behind STARTTLS", async () => {
    const port = await saying("220 x\r\n250-x\r\n250 STARTTLS\r\n220 go\r\n");
    expect(await probe(port, "localhost", 100)).toMatchObject({ status: "tls-failed" });
  });
  test("a private address is not contacted", async () => {
    const port = await mailServer();
    const connect = createSmtpConnect();
    expect(await connect("127.0.0.1", port)).toEqual({ fault: expect.stringContaining("not contacted") });
  });
  test("a closed port", async () => {
    const port = await saying("");
    await closing.pop()!();
    expect(await probe(port)).toMatchObject({ status: "unreachable" });
  });
});
