import { once } from "node:events";
import { connect as connectPlain, type AddressInfo, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { SMTPServer } from "smtp-server";
import { afterEach, expect, test } from "vitest";
import { createAuthority } from "../src/devnet/certificates.ts";
import { limitConnections } from "../src/relay/connections.ts";

const tls = createAuthority().issue(["127.0.0.1"]);
const sockets: Socket[] = [];
let server: SMTPServer;
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await new Promise<void>((resolve) => server.close(resolve));
});

async function start(secure: boolean, limits: Parameters<typeof limitConnections>[0]): Promise<number> {
  server = new SMTPServer({
    ...tls,
    secure,
    logger: false,
    closeTimeout: 1,
    authOptional: true,
    disableReverseLookup: true,
    onConnect: (session, done) => done(limited.opened(session)),
    onMailFrom(_address, session, done) {
      limited.passed(session);
      done();
    },
    onClose: (session) => limited.passed(session),
  });
  server.on("error", () => undefined);
  const limited = limitConnections(limits);
  limited.guard(server);
  server.listen(0, "127.0.0.1");
  await once(server.server, "listening");
  return (server.server.address() as AddressInfo).port;
}

/** What the server says until it ends the connection, or what it has said so far. */
function speaker(socket: Socket) {
  sockets.push(socket);
  let said = "";
  let closed = false;
  socket.setEncoding("latin1").on("data", (text: string) => (said += text));
  socket.on("error", () => undefined).on("close", () => (closed = true));
  return { socket, said: () => said, closed: () => closed };
}
const plain = (port: number) => speaker(connectPlain(port, "127.0.0.1"));
const secured = (port: number) => speaker(connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false }));

test.each([
  ["in clear", false, plain],
  ["under TLS", true, secured],
] as const)(
  "%s, an address has so many connections, and a place is free again when one ends",
  async (_name, secure, open) => {
    const port = await start(secure, { perAddress: 2, untilPassedMs: 60_000 });
    const first = open(port);
    const second = open(port);
    await expect.poll(() => [first.said(), second.said()].every((said) => said.startsWith("220"))).toBe(true);
    const third = open(port);
    await expect.poll(third.closed).toBe(true);
    expect(third.said()).toMatch(/^421 4\.7\.0 Too many connections/);
    first.socket.destroy();
    await expect.poll(() => server.connections.size).toBe(1);
    const fourth = open(port);
    await expect.poll(fourth.said).toMatch(/^220/);
  },
);

test("who does not show who it is in time is sent away; who has stays", async () => {
  const port = await start(false, { perAddress: 9, untilPassedMs: 300 });
  const passes = plain(port);
  await expect.poll(passes.said).toMatch(/^220/);
  passes.socket.write("EHLO x\r\nMAIL FROM:<a@b.test>\r\n");
  const drips = plain(port);
  await expect.poll(drips.closed, { timeout: 2_000 }).toBe(true);
  expect(drips.said()).toMatch(/421 4\.4\.2 Too slow/);
  expect(passes.closed()).toBe(false);
  expect(passes.said()).toMatch(/250 .*\r\n$/);
});

test("a TLS handshake that does not end has the same limits", async () => {
  const port = await start(true, { perAddress: 2, untilPassedMs: 300 });
  const hello = Buffer.from("1603010200010001fc0303", "hex");
  const slow = Array.from({ length: 5 }, () => plain(port));
  for (const { socket } of slow) socket.write(hello);
  await expect.poll(() => slow.filter((s) => s.closed()).length).toBe(3);
  await expect.poll(() => slow.filter((s) => s.closed()).length, { timeout: 2_000 }).toBe(5);
  const honest = secured(port);
  await expect.poll(honest.said).toMatch(/^220/);
});
