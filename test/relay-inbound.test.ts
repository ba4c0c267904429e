import { createConnection, type Socket } from "node:net";
import { once } from "node:events";
import { afterEach, expect, test } from "vitest";
import { createAuthority } from "../src/devnet/certificates.ts";
import type { Received } from "../src/feedback/index.ts";
import { silentLog } from "../src/platform/log.ts";
import { startInbound, type Inbound, type InboundOptions } from "../src/relay/inbound/index.ts";

const tls = createAuthority().issue(["127.0.0.1"]);
const sockets: Socket[] = [];
let inbound: Inbound;
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await inbound.close();
});

const start = async (outcomes: Record<string, Received>, options: Partial<InboundOptions> = {}) =>
  void (inbound = await startInbound({
    address: { host: "127.0.0.1", port: 0 },
    hostname: "in.test",
    tls,
    feedback: {
      accepts: (address) => address in outcomes,
      receive: async (address) => outcomes[address]!,
    },
    log: silentLog,
    ...options,
  }));

/** Sends the lines, and resolves with what was said once it matches `until` or the connection ends. */
async function say(lines: string[], until: RegExp): Promise<string> {
  const socket = createConnection(inbound.address.port, "127.0.0.1").setEncoding("latin1");
  sockets.push(socket);
  let said = "";
  const done = Promise.withResolvers<void>();
  socket.on("data", (text: string) => {
    said += text;
    if (until.test(said)) done.resolve();
  });
  socket.on("error", () => undefined).on("close", () => done.resolve());
  await once(socket, "data");
  socket.write(lines.join("\r\n") + "\r\n");
  await done.promise;
  return said;
}

const to = (...addresses: string[]) => [
  "EHLO mx.test",
  "MAIL FROM:<>",
  ...addresses.map((address) => `RCPT TO:<${address}>`),
  "DATA",
];

test.each<[string, Received, RegExp]>([
  ["taken", { outcome: "bounced", recipientId: "r" }, /^250 /m],
  ["that changes nothing", { outcome: "ignored", why: "delayed" }, /^250 /m],
  ["before our own commit", { outcome: "too-early", recipientId: "r" }, /^451 4\.2\.0 The delivery/m],
  ["with no room", { outcome: "full" }, /^452 4\.3\.1/m],
])("a report %s", async (_name, outcome, reply) => {
  await start({ "b@in.test": outcome, "c@in.test": { outcome: "kept-for-people" } });
  const said = await say(
    [...to("b@in.test", "c@in.test"), "Subject: x", "", "x", "."],
    /\r\n354[^]*\r\n[245]/,
  );
  expect(said.slice(said.indexOf("354 "))).toMatch(reply);
});

test("a report that drips in is ended", async () => {
  await start({ "b@in.test": { outcome: "full" } }, { dataMs: 150 });
  expect(await say([...to("b@in.test"), "Subject: x"], /^421 /m)).toMatch(
    /^421 4\.4\.2 The report took too long/m,
  );
});

test("an address has so many connections", async () => {
  await start({}, { maxPerAddress: 1 });
  expect(await say(["EHLO mx.test"], /^250 /m)).toMatch(/^220 /);
  expect(await say(["EHLO mx.test"], /^421 /m)).toMatch(/^421 4\.7\.0 Too many connections/);
});
