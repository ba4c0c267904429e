import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startScriptedSink, type Certificates, type Script, type ScriptedSink } from "../scripted-sink.ts";
import { startCooperative, tellLogOnFailure, type Cooperative, type Member } from "./cooperative.ts";
import { complete, removeDirectory, temporaryDirectory, until } from "./servers/process.ts";
import { compose, openSubmission } from "./submission.ts";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";

/*
 * A host with two IPv4 addresses and one IPv6 address that mail may leave from: which of them it leaves from, and what
 * follows when one is greylisted, blocked or gone. `namespaces.test.ts` runs it in a network of its own.
 */

const A = "10.9.0.101";
const B = "10.9.0.102";
const SIX = "fd09::101";
const EHLO: Record<string, string> = { [A]: "mx1.coop.test", [B]: "mx2.coop.test", [SIX]: "mx6.coop.test" };
/** No route leads there. */
const NOWHERE = { v4: "10.66.0.1", v6: "fd66::1" };
const DOMAIN = "alder.test";

const stack = new AsyncDisposableStack();
let coop: Cooperative;
let member: Member;
let certificates: Certificates;

const ip = (...args: string[]) => complete("ip", args);
/** Without a look for others who have it (RFC 4862 section 5.4), for which it could not be bound at once. */
const own = (address: string) =>
  address.includes(":") ? [`${address}/128`, "dev", "lo", "nodad"] : [`${address}/32`, "dev", "lo"];

beforeAll(async () => {
  for (const address of Object.keys(EHLO)) await ip("addr", "add", ...own(address));
  const directory = await temporaryDirectory("shaping");
  stack.defer(() => removeDirectory(directory));
  const shaping = join(directory, "shaping.toml");
  await writeFile(
    shaping,
    '[provider.bigmail]\nname = "Big Mail"\nmx = ["bigmail.test"]\nmailboxes = ["bigmail.test"]\n',
  );
  coop = stack.use(
    await startCooperative(undefined, {
      env: {
        ATMOS_EGRESS_ADDRESSES: Object.entries(EHLO)
          .map((pair) => pair.join("="))
          .join(","),
        ATMOS_EGRESS_WARM: "all",
        ATMOS_EGRESS_BLOCKLISTS: "",
        ATMOS_SHAPING_FILE: shaping,
      },
    }),
  );
  const { key, cert } = await coop.authority.issue("mx.peer.test");
  certificates = {
    trusted: { key, cert },
    stranger: { key, cert },
    "other-name": { key, cert },
    expired: { key, cert },
  };
  await host("home.test", { v4: "10.9.0.10" });
  member = await coop.join(DOMAIN, { address: "10.9.0.10", tier: "trusted" });
}, 120_000);
afterAll(() => stack.disposeAsync());
tellLogOnFailure(() => coop?.product);

type Where = { v4?: string; v6?: string };

/** A mail domain with one host at these addresses. */
function publish(domain: string, { v4, v6 }: Where): void {
  coop.zones.set(domain, "MX", { preference: 10, exchange: `mx.${domain}` });
  if (v4) coop.zones.set(`mx.${domain}`, "A", { address: v4 });
  if (v6) coop.zones.set(`mx.${domain}`, "AAAA", { address: v6 });
}

/** And somebody there. */
async function host(
  domain: string,
  where: Where,
  script: Script | ((remote: string) => Script) = {},
): Promise<ScriptedSink> {
  publish(domain, where);
  const address = where.v4 ?? where.v6!;
  await ip("addr", "add", ...own(address));
  const sink = await startScriptedSink(script, certificates, { host: address, port: coop.deliveryPort });
  stack.defer(() => sink.close());
  return sink;
}

async function send(to: string): Promise<string> {
  const client = await openSubmission(coop, member);
  const from = `noreply@${DOMAIN}`;
  const id = `${to.replace("@", ".")}-${process.hrtime.bigint()}@${DOMAIN}`;
  try {
    const reply = await client.send(from, to, compose({ from, to, subject: "x", id }));
    return / as (\S+)/.exec(reply)?.[1] ?? "";
  } finally {
    client.destroy();
  }
}

type Attempt = {
  class: string;
  rule: string | null;
  egress: string | null;
  host: string;
  transcript: string;
};
type Shown = { message: { recipients: { state: string }[] }; attempts: Attempt[] };

/** When it has been tried so often. */
const tried = (id: string, times = 1) =>
  until(`${times} attempts of ${id}`, async () => {
    const { message, attempts } = (await coop.product.cli("queue", "show", id)) as unknown as Shown;
    const state = message.recipients[0]!.state;
    return attempts.length >= times && state !== "queued" && { state, attempts, last: attempts.at(-1)! };
  });
const again = (id: string) =>
  coop.product.cli("queue", "requeue", id, "--why", "to see where it leaves from");

type Addresses = {
  addresses: {
    address: string;
    out?: { reason: string };
    providers: { provider: string; pausedUntil?: number; usedToday: number }[];
  }[];
};
const addresses = async () =>
  ((await coop.product.run("egress", "show", "--env", coop.product.envFile)).answer as unknown as Addresses)
    .addresses;

/** Sends to each, and waits until all have arrived. */
async function arrive(sink: ScriptedSink, recipients: string[]): Promise<ScriptedSink["mails"]> {
  const before = sink.mails.length;
  for (const to of recipients) {
    await send(to);
    await until(`mail to ${to}`, () => sink.mails.slice(before).some((mail) => mail.to.includes(to)));
  }
  return sink.mails.slice(before);
}
const mailboxes = (count: number, name: string) =>
  Array.from({ length: count }, (_, i) => `${name}${i}@turns.test`);
const remotes = (mails: ScriptedSink["mails"]) => new Set(mails.map(({ remote }) => remote));

let turns: ScriptedSink;

test("mail leaves from each address in turn, with its own name in EHLO", async () => {
  turns = await host("turns.test", { v4: "10.9.0.11" });
  const mails = await arrive(turns, mailboxes(8, "r"));
  expect(remotes(mails)).toEqual(new Set([A, B]));
  for (const { remote, helo } of mails) expect([remote, helo]).toEqual([remote, EHLO[remote]]);
  const { state, last } = await tried(await send("last@turns.test"));
  expect([state, last.egress]).toEqual(["delivered", turns.mails.at(-1)!.remote]);
});

test("a greylist sees the same address again", async () => {
  const known = new Set<string>();
  const sink = await host("grey.test", { v4: "10.9.0.12" }, (remote) => {
    const fresh = !known.has(remote);
    known.add(remote);
    return fresh ? { rcpt: "450 4.2.0 Greylisted, see you later" } : {};
  });
  for (let i = 1; i <= 2; i++) {
    known.clear();
    const id = await send(`r${i}@grey.test`);
    const { state, last } = await tried(id);
    expect([state, last.class]).toEqual(["deferred", "greylisted"]);
    await again(id);
    await until("its second attempt", () => sink.mails.length === i);
    expect(sink.mails.at(-1)!.remote).toBe(last.egress);
  }
});

describe("IPv6 and IPv4", () => {
  test.each<[string, string, Where, there: "v4" | "v6"]>([
    ["both: IPv4 first", "both.test", { v4: "10.9.0.13", v6: NOWHERE.v6 }, "v4"],
    ["the IPv4 address cannot be reached", "six-first.test", { v4: NOWHERE.v4, v6: "fd09::14" }, "v6"],
    ["only IPv6", "six.test", { v6: "fd09::15" }, "v6"],
  ])("%s", async (_name, domain, where, there) => {
    const sink = await host(domain, { [there]: where[there] });
    publish(domain, where);
    const [{ remote, helo }] = (await arrive(sink, [`r@${domain}`])) as [ScriptedSink["mails"][0]];
    expect([remote, helo]).toEqual([remote, EHLO[remote]]);
    expect(remote.includes(":")).toBe(there === "v6");
  });

  test("neither can be reached: it waits, and the words of the last are kept", async () => {
    publish("nowhere.test", NOWHERE);
    const { state, last } = await tried(await send("r@nowhere.test"));
    expect([state, last.class]).toEqual(["deferred", "network"]);
    expect(last.transcript).toMatch(/ENETUNREACH|EHOSTUNREACH/);
  });
});

test("an address that a provider blocks is not used there for a while; mail goes by the other", async () => {
  const blocked = new Set<string>();
  const sink = await host("bigmail.test", { v4: "10.9.0.16" }, (remote) => {
    if (blocked.size === 0) blocked.add(remote);
    const words = `554 5.7.1 Service unavailable; Client host [${remote}] blocked using zen.spamhaus.org`;
    return blocked.has(remote) ? { rcpt: words } : {};
  });
  const id = await send("r@bigmail.test");
  const first = await tried(id);
  const [bad = ""] = [...blocked];
  expect([first.state, first.last.class, first.last.egress]).toEqual(["deferred", "blocked", bad]);
  const paused = (await addresses()).find(({ address }) => address === bad)!.providers;
  expect(paused.find(({ provider }) => provider === "bigmail")?.pausedUntil).toBeGreaterThan(Date.now());
  const good = bad === A ? B : A;
  const others = Array.from({ length: 4 }, (_, i) => `r${i}@bigmail.test`);
  expect(remotes(await arrive(sink, others))).toEqual(new Set([good]));
  await again(id);
  await until("its second attempt", () => sink.mails.length === 5);
  expect(sink.mails.at(-1)).toMatchObject({ remote: good, to: ["r@bigmail.test"] });
  // Elsewhere it is used as before.
  expect(remotes(await arrive(turns, mailboxes(6, "elsewhere")))).toContain(bad);
});

test("an address that this host loses is out of use at the first connection that finds out, and nothing is lost", async () => {
  // Under a connection that is open it would be lost too: what is under way there waits for its deadline, a minute.
  await until("the end of its connections", () => turns.open() === 0);
  await ip("addr", "del", ...own(A));
  const before = turns.mails.length;
  const wanted = mailboxes(4, "gone");
  for (const to of wanted) await send(to);
  await until("all of them by the other address", async () => {
    if (turns.mails.length >= before + 4) return true;
    await coop.product
      .cli("queue", "requeue", "--to-domain", "turns.test", "--yes", "--why", "to see")
      .catch(() => undefined);
    return false;
  });
  const mails = turns.mails.slice(before);
  expect(mails.flatMap(({ to }) => to).toSorted()).toEqual(wanted);
  expect(remotes(mails)).toEqual(new Set([B]));
  const shown = await coop.product.run("egress", "show", "--env", coop.product.envFile);
  expect(shown.code).toBe(1);
  const lost = (shown.answer as unknown as Addresses).addresses.find(({ address }) => address === A);
  expect(lost?.out?.reason).toBe("unbound");
});
