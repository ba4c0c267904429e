import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { snippets } from "../../src/allowlist/index.ts";
import { startList, ZONE, type TestList } from "./list.ts";
import { startCertificateAuthority, type CertificateAuthority } from "./servers/certificate.ts";
import { startDns, type DnsServer } from "./servers/dns.ts";
import { startMaddy, type Maddy } from "./servers/maddy.ts";
import { freePort, type Address, type Server } from "./servers/process.ts";
import { startUnbound } from "./servers/unbound.ts";
import { startPlainNsd } from "./servers/zone-servers.ts";
import { startSink, type Sink } from "./sink.ts";

/* maddy with the settings that we print, beside two blocklists; it asks the resolver of its system, on port 53. */

const [POOL, OWN, TWICE] = ["127.0.0.81", "127.0.0.82", "127.0.0.83"] as const;
const [STRANGER, PLAIN] = ["127.0.0.84", "127.0.0.85"] as const;
const [BLOCKLIST, OTHER_BLOCKLIST] = ["bl.example", "bl2.example"] as const;
/** A list that is not ours, with answers of the test's choice. */
const ODD = "odd.example";

const printed = (zone: string) => snippets({ zone }).find(({ name }) => name === "maddy")!.files[0]!.text;
const checks = (zone: string) => `dnsbl {
    reject_threshold 1
    ${BLOCKLIST} ${OTHER_BLOCKLIST}
    ${printed(zone)}
}`;

const running: Server[] = [];
async function runs<T extends Server>(server: Promise<T>): Promise<T> {
  const started = await server;
  running.push(started);
  return started;
}

let authority: CertificateAuthority;
let list: TestList;
let dns: DnsServer;
let sink: Sink;
let maddy: Maddy;
let takesIn: Address;

beforeAll(async () => {
  list = await runs(startList({ addresses: [POOL, TWICE] }));
  list.add("gone.example", { egress: [OWN] });
  await list.publish();
  const listed = (address: string, zone: string, data = "127.0.0.2") => ({
    name: `${address.split(".").toReversed().join(".")}.${zone}`,
    type: "A" as const,
    ttl: 60,
    data,
  });
  dns = await runs(
    startDns([
      ...[POOL, OWN, TWICE, STRANGER].map((address) => listed(address, BLOCKLIST)),
      listed(TWICE, OTHER_BLOCKLIST),
      listed(POOL, `ip.${ODD}`, "127.0.0.2"),
      listed(OWN, `ip.${ODD}`, "127.0.6.2"),
      listed(STRANGER, `ip.${ODD}`, "127.0.6.1"),
    ]),
  );
  authority = await runs(startCertificateAuthority());
  takesIn = { host: "127.0.0.1", port: await freePort() };
  sink = await runs(startSink(takesIn, await authority.issue("sink.example")));
  maddy = await serve("127.0.0.53", list.server);
});
afterAll(async () => {
  for (const one of running.toReversed()) await one.stop();
});

/** maddy beside a resolver of its own, which asks `server` for the list. */
async function serve(resolver: string, server: Address, zone = ZONE): Promise<Maddy> {
  await runs(startUnbound({ dns, zones: ["example"], host: resolver, port: 53, stubs: { [ZONE]: server } }));
  const hostname = "mx.here.example";
  const domains = ["here.example"];
  return runs(startMaddy({ hostname, domains, checks: checks(zone), deliverTo: takesIn, resolver }));
}

let sent = 0;
/** One conversation from an address: the first reply that refuses, or `arrived` when the mail came out behind maddy. */
async function send(to: Address, from: string, recipient = "ada@here.example"): Promise<string> {
  const id = `${++sent}@sender.example`;
  const socket = connect({ ...to, localAddress: from });
  const steps = [
    "EHLO mx.sender.example",
    "MAIL FROM:<a@sender.example>",
    `RCPT TO:<${recipient}>`,
    "DATA",
    `From: <a@sender.example>\r\nMessage-ID: <${id}>\r\nSubject: Hello\r\n\r\nHello\r\n.`,
    "QUIT",
  ];
  let refusal: string | undefined;
  let text = "";
  await new Promise<void>((resolve, reject) => {
    socket.setTimeout(20_000, () => socket.destroy(new Error(`no answer; before that: ${text}`)));
    socket.on("error", reject);
    socket.on("close", () => resolve());
    socket.on("data", (chunk) => {
      text += chunk.toString();
      const lines = text.split("\r\n");
      text = lines.pop()!;
      for (const line of lines) {
        if (!/^\d{3} /.test(line)) continue;
        if (/^[45]/.test(line)) refusal = line;
        const next = steps.shift();
        if (refusal !== undefined || next === undefined) return void socket.end();
        socket.write(`${next}\r\n`);
      }
    });
  });
  if (refusal !== undefined) return refusal;
  return sink.byMessageId(id).length === 1 ? "arrived" : "lost";
}

const REFUSED = expect.stringMatching(/^554 5\.7\.0 .*listed in the used DNSBL/);

describe("beside blocklists", () => {
  test.each([
    ["an address of the pool makes up for one blocklist", POOL, "arrived"],
    ["so does a member's own", OWN, "arrived"],
    ["but not for two", TWICE, REFUSED],
    ["a stranger has nothing from it", STRANGER, REFUSED],
    ["who is on no list at all passes as before", PLAIN, "arrived"],
  ])("%s", async (_, from, expected) => {
    expect(await send(maddy, from)).toEqual(expected);
  });
  test("nobody relays by it", async () => {
    for (const from of [POOL, OWN, PLAIN])
      expect(await send(maddy, from, "ada@elsewhere.example")).toMatch(/^550 5\.7\.1 Relaying/);
  });
  test("other codes than ours say nothing", async () => {
    const odd = await serve("127.0.0.54", list.server, ODD);
    expect(await send(odd, STRANGER)).toBe("arrived");
    for (const from of [POOL, OWN]) expect(await send(odd, from)).toEqual(REFUSED);
  });
});

describe("afterwards", () => {
  test("the address of a member that was taken back counts no more", async () => {
    expect(await send(maddy, OWN)).toBe("arrived");
    list.remove("gone.example");
    await list.publish();
    expect(await send(maddy, OWN)).toEqual(REFUSED);
    expect(await send(maddy, POOL)).toBe("arrived");
  });
  test("without the list all mail is put off, and nobody is let in; with a copy at the resolver nothing changes", async () => {
    const copy = await runs(startPlainNsd({ zone: ZONE, file: list.zoneFile }));
    const withCopy = await serve("127.0.0.55", copy);
    await list.stopServing();
    for (const from of [POOL, STRANGER, PLAIN])
      expect(await send(maddy, from)).toMatch(/^451 .*DNS error during policy check/);
    expect(await send(withCopy, POOL)).toBe("arrived");
    expect(await send(withCopy, PLAIN)).toBe("arrived");
    expect(await send(withCopy, STRANGER)).toEqual(REFUSED);
  });
});
