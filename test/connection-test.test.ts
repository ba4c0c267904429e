import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SMTPServer } from "smtp-server";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { connectionTest } from "../src/cli/connection-test.ts";
import { sendTest } from "../src/cli/send-test.ts";
import { createAuthority } from "../src/devnet/certificates.ts";

const authority = createAuthority();
const dir = mkdtempSync(join(tmpdir(), "atmos-connection-"));
const ca = join(dir, "ca.pem");
const servers: SMTPServer[] = [];
let tls: number;
let starttls: number;
const SECRET = "s@:/%#?";

beforeAll(async () => {
  writeFileSync(ca, authority.cert);
  const listen = async (secure: boolean) => {
    const server = new SMTPServer({
      logger: false,
      secure,
      closeTimeout: 50,
      ...authority.issue(["localhost"]),
      onAuth: ({ username, password }, _session, done) =>
        username === "u" && password === SECRET ? done(null, { user: "u" }) : done(new Error("no")),
      onData: (stream, _session, done) => void stream.resume().on("end", () => done()),
    });
    server.on("error", () => undefined);
    server.listen(0, "127.0.0.1");
    await once(server.server, "listening");
    servers.push(server);
    return (server.server.address() as AddressInfo).port;
  };
  [tls, starttls] = [await listen(true), await listen(false)];
});
afterAll(async () => {
  for (const server of servers) await new Promise<void>((done) => server.close(() => done()));
  rmSync(dir, { recursive: true });
});
afterEach(() => void vi.restoreAllMocks());

async function answer(command: () => Promise<number>) {
  let text = "";
  vi.spyOn(process.stdout, "write").mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  const exit = await command();
  vi.restoreAllMocks();
  return { exit, text };
}

const common = { ca, timeout: "4", json: true };
const tested = async (given: string, options: { tlsPort?: number[]; starttlsPort?: number[] }) => {
  const { exit, text } = await answer(() => connectionTest(given, { ...common, ...options }));
  return { exit, ...(JSON.parse(text) as { usable: boolean; advice: string; ports: { status: string }[] }) };
};

test("a host with both ways: TLS at once is the one to use", async () => {
  const found = await tested("localhost", { tlsPort: [tls], starttlsPort: [starttls] });
  expect(found).toMatchObject({ exit: 0, usable: true, advice: `Use smtps://USER:SECRET@localhost:${tls}` });
  expect(found.ports.map(({ status }) => status)).toEqual(["right", "right"]);
});

test("what is blocked or closed is passed over", async () => {
  const gone = createServer();
  gone.listen(0, "127.0.0.1");
  await once(gone, "listening");
  const { port } = gone.address() as AddressInfo;
  await new Promise((done) => gone.close(done));
  const found = await tested("localhost", { tlsPort: [port, starttls], starttlsPort: [starttls] });
  expect(found.ports.map(({ status }) => status)).toEqual(["refused", "wrong-mode", "right"]);
  expect(found).toMatchObject({
    exit: 0,
    advice: `Use smtp://USER:SECRET@localhost:${starttls}?requireTLS=true`,
  });
});

test("a URL that is wrong ends with 1, although the server is right, and is written as it should be", async () => {
  const found = await tested(`"smtps://u:${SECRET}@localhost:${tls}"`, { tlsPort: [tls] });
  expect(found).toMatchObject({
    exit: 1,
    usable: false,
    url: { corrected: `smtps://u:s%40%3A%2F%25%23%3F@localhost:${tls}` },
  });
  expect((await tested(`smtps://u:s@localhost:${tls}`, { tlsPort: [tls] })).exit).toBe(0);
  expect(
    (await tested(`smtp://u:s@localhost:${tls}?requireTLS=true`, { starttlsPort: [starttls] })).exit,
  ).toBe(1);
});

test("a name that does not resolve, and no name at all", async () => {
  expect(await tested("nowhere.invalid", {})).toMatchObject({ exit: 1, usable: false, ports: [] });
  await expect(connectionTest("smtps://u:s@", common)).rejects.toThrow(/no host name/);
  await expect(connectionTest("localhost", { ...common, timeout: "x" })).rejects.toThrow(/--timeout/);
});

test("in words for people, without octets that a terminal obeys", async () => {
  const { text } = await answer(() =>
    connectionTest("localhost", { ...common, json: false, tlsPort: [tls], starttlsPort: [tls] }),
  );
  expect(text).toMatch(/^Trying localhost\nok {3}\d+ \(TLS at once\): open, TLSv1\.3/);
  expect(text).toMatch(/\n-- {3}\d+ \(STARTTLS\): it answers, but with TLS at once/);
});

test("send-test sends with the corrected URL, and says that the PDS needs it", async () => {
  const send = (url: string) => answer(() => sendTest("b@x.test", { url, from: "a@x.test", ca, json: true }));
  const right = await send(`smtps://u:s%40%3A%2F%25%23%3F@localhost:${tls}`);
  expect(right.exit).toBe(0);
  expect(JSON.parse(right.text)).toMatchObject({ accepted: true, url: { notes: [] } });
  const wrong = await send(`smtps://u:${SECRET}@localhost:${tls}`);
  expect(wrong.exit).toBe(1);
  expect(JSON.parse(wrong.text)).toMatchObject({
    accepted: true,
    url: { corrected: `smtps://u:s%40%3A%2F%25%23%3F@localhost:${tls}` },
  });
  const login = await send(`smtps://u:other@localhost:${tls}`);
  expect(login.exit).toBe(1);
  expect(JSON.parse(login.text)).toMatchObject({ accepted: false, code: "login" });
});
