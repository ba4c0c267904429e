import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { MovableClock } from "../../lib/clock.ts";
import { Database } from "../../platform/database.ts";
import { silentLog } from "../../platform/log.ts";
import { createMetrics } from "../../platform/metrics.ts";
import { parseReply, type ReplyPhase } from "../../protocol/smtp-reply/index.ts";
import { builtInShaping, createMeasures, measuresMigration, type Measures } from "../../shaping/index.ts";
import type { Leased } from "../../spool/index.ts";
import { createFollower } from "./follow.ts";

const A = "192.0.2.1";
const shaping = builtInShaping();
const clock = new MovableClock(1_000_000_000);
const WORSE = "550 5.7.1 This is due to the very low reputation of the sending IP address";
const LISTED = "550 5.7.1 blocked using zen.spamhaus.org";

let db: Database;
let measures: Measures;
let counted: string[];
let follow: ReturnType<typeof createFollower>;
beforeEach(() => {
  db = new Database(":memory:", [measuresMigration]);
  measures = createMeasures({ db, log: silentLog });
  counted = [];
  follow = createFollower({
    clock,
    log: silentLog,
    metrics: createMetrics(),
    shaping,
    measures,
    lanes: { recall: () => undefined },
    egress: {
      record: (_, provider, outcome) => void counted.push(`${provider} ${outcome}`),
      pause: () => undefined,
    },
  });
});
afterEach(() => {
  measures.close();
  db.close();
});

/** What mail to a domain with this host is answered. */
function hears(domain: string, mx: string, raw: string, phase: ReplyPhase = "body"): void {
  const provider = shaping.providerOf(mx);
  const reply = { ...parseReply(raw), phase };
  const leased = { domain, message: { did: "did:plc:a" } } as unknown as Leased;
  const dane = { status: "none" as const, why: "unsigned" };
  const hosts = [{ name: mx, addresses: ["198.41.0.4"], mxSecure: false, dane }];
  const result = {
    at: clock.now(),
    durationMs: 1,
    host: `${mx} [198.41.0.4]`,
    provider,
    reply,
    judged: shaping.judge(provider, reply),
    tls: "",
    transcript: "",
    tells: false,
    egress: A,
  };
  const end = { kind: "tried" as const, result, asked: true, shared: false, unreached: false };
  follow(leased, { ok: true, hosts, provider }, end);
}
const inForce = () => measures.inForce(clock.now()).map(({ kind, provider }) => `${kind} ${provider}`);

describe("a measure against all mail to a provider", () => {
  test("is taken at the provider's own word", () => {
    hears("gmail.com", "gmail-smtp-in.l.google.com", WORSE);
    expect(inForce()).toEqual(["pause gmail"]);
    expect(counted).toEqual(["gmail blocked"]);
  });

  test.each([
    ["Google Workspace", "aspmx.l.google.com", WORSE],
    ["Cloudflare", "route1.mx.cloudflare.net", LISTED],
  ])("is not in the hands of one customer of %s", (_name, mx, raw) => {
    for (let n = 0; n < 5; n++) hears(`${n}.evil.test`, mx, raw);
    expect(inForce()).toEqual([]);
    expect(counted).toEqual([]);
    hears("a.example", mx, raw);
    hears("b.test", mx, raw);
    expect(inForce()).toHaveLength(1);
    expect(counted).toHaveLength(1);
  });

  test("nor is it by a customer that blames the member", () => {
    hears("evil.test", "aspmx.l.google.com", "550 5.7.26 the sender is unauthenticated");
    expect(inForce()).toEqual([]);
  });

  test("of hosts of nobody known holds for them", () => {
    hears("evil.test", "mx.evil.test", LISTED);
    expect(inForce()).toEqual(["pause mx.evil.test"]);
  });
});
