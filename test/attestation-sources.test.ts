import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ATMOS_COLLECTION, attestationMigration, ATTESTATION_COLLECTION } from "../src/attestation/index.ts";
import { createAttestations, type Attestations, type Source } from "../src/attestation/index.ts";
import { plcMigration, startPlc } from "../src/devnet/plc.ts";
import { repoHostMigration, startRepoHost, type RunningRepoHost } from "../src/devnet/repo-host/index.ts";
import { eventMaker, outboxMigration } from "../src/event/index.ts";
import { MovableClock } from "../src/lib/clock.ts";
import { snowflakes } from "../src/lib/ids.ts";
import { Database } from "../src/platform/database.ts";
import { createSafeFetch } from "../src/platform/fetch.ts";
import { silentLog } from "../src/platform/log.ts";
import { Service, startListing } from "./attestation-services.ts";

const DAY = 86_400_000;
const START = Date.parse("2026-01-01T00:00:00Z");

let clock: MovableClock;
let db: Database;
let repos: RunningRepoHost;
let plcUrl: string;
let attestations: Attestations;
let did: string;
let changes: string[];
const open: { close(): unknown }[] = [];

beforeEach(async () => {
  clock = new MovableClock(START);
  const world = new Database(":memory:", [plcMigration, repoHostMigration]);
  const plc = await startPlc({ db: world, clock, host: "127.0.0.1", port: 0 });
  plcUrl = plc.url;
  repos = await startRepoHost({ db: world, clock, host: "127.0.0.1", port: 0, plcUrl });
  db = new Database(":memory:", [attestationMigration, outboxMigration]);
  open.push(world, plc, repos, db);
  ({ did } = await repos.createAccount({ handle: "alder.test" }));
  attestations = start();
  changes = [];
  attestations.onChange(({ kind, domain }) => changes.push(`${kind} ${domain}`));
});
afterEach(async () => {
  for (const one of open.splice(0).toReversed()) await one.close();
});

function start(): Attestations {
  return createAttestations({
    db,
    resolver: { resolve: () => Promise.resolve({ status: "temperror", detail: "no DNS here" }) },
    clock,
    fetch: createSafeFetch({ allowPrivate: true, timeoutMs: 3_000 }),
    plcUrl,
    log: silentLog,
    newEvent: eventMaker(
      () => clock.now(),
      snowflakes(() => clock.now()),
    ),
    pool: { domain: "pool.test", spfInclude: "spf.pool.test", returnPathHost: "bounce.pool.test" },
    allowPrivate: true,
  });
}

const createdAt = "2026-01-01T00:00:00.000Z";
const attest = (domain: string, more = {}, by = did) =>
  repos.putRecord(by, ATTESTATION_COLLECTION, domain, { domain, createdAt, ...more });
const active = () => attestations.list().map((a) => a.domain);
const soon = <T>(check: () => T) => vi.waitFor(check, { timeout: 5_000, interval: 20 });

function follow(source: Source) {
  const stream = attestations.followSources([source]);
  open.push(stream);
  return stream;
}

async function reconnected(service: Service, count: number): Promise<void> {
  await soon(() => {
    clock.advance(1_000);
    expect(service.requests).toHaveLength(count);
  });
}

describe("Jetstream", () => {
  let time = START * 1000;
  const commit = (operation: string, rkey: string, collection: string = ATTESTATION_COLLECTION) => ({
    did,
    time_us: (time += 1_000_000),
    kind: "commit",
    commit: {
      rev: "3kaaaaaaaaaaa",
      operation,
      collection,
      rkey,
      record: { domain: "lies.test" },
      cid: "bafy",
    },
  });
  const account = (status?: string) => ({
    did,
    time_us: (time += 1_000_000),
    kind: "account",
    account: { active: status === undefined, did, seq: 1, status, time: createdAt },
  });

  test("asks for the collections; hints are proved at the PDS; replays and duplicates change nothing", async () => {
    const service = await Service.start(open);
    let stream = follow({ protocol: "jetstream", url: service.origin });
    await soon(() => expect(service.requests).toHaveLength(1));
    expect(new URL(service.requests[0]!.url!, service.origin).pathname).toBe("/subscribe");
    expect(service.query(0).getAll("wantedCollections").toSorted()).toEqual([
      ATTESTATION_COLLECTION,
      ATMOS_COLLECTION,
    ]);
    expect(service.query(0).has("cursor")).toBe(false);

    await attest("alder.test");
    const created = commit("create", "alder.test");
    for (let i = 0; i < 3; i++) service.say(created);
    await soon(() => expect(active()).toEqual(["alder.test"]));
    await stream.settle();
    expect(changes).toEqual(["stored alder.test"]);

    // What it says of the record is not believed: there is none.
    service.say(commit("create", "elm.test"));
    service.say(commit("delete", "alder.test"));
    service.say(commit("create", "1", "app.bsky.feed.post"));
    const last = account();
    service.say(last);
    await soon(() => expect(db.get("SELECT seq FROM attestation_cursor")).toEqual({ seq: last.time_us }));
    expect(changes).toEqual(["stored alder.test"]);

    await stream.close();
    await repos.deleteRecord(did, ATTESTATION_COLLECTION, "alder.test");
    attestations = start();
    attestations.onChange(({ kind, domain }) => changes.push(`${kind} ${domain}`));
    service.onConnect = (ws) => {
      for (const message of [created, commit("delete", "alder.test")]) ws.send(JSON.stringify(message));
    };
    stream = follow({ protocol: "jetstream", url: `${service.origin}/subscribe` });
    stream = follow({ protocol: "jetstream", url: service.origin });
    await soon(() => expect(changes).toEqual(["stored alder.test", "ended alder.test"]));
    // Microseconds, five seconds back.
    const cursors = service.requests.map((_, i) => service.query(i).get("cursor"));
    expect(cursors.toSorted()).toEqual([String(last.time_us - 5_000_000), null, null].toSorted());
  });

  test("accounts end, return and are forgotten; an identity is resolved anew; rubbish ends the connection", async () => {
    await attest("alder.test");
    await attestations.intake({ did, collection: ATTESTATION_COLLECTION, rkey: "alder.test" });
    const service = await Service.start(open);
    follow({ protocol: "jetstream", url: service.origin });
    await soon(() => expect(service.requests).toHaveLength(1));
    changes.length = 0;

    service.say(account("takendown"));
    await soon(() => expect(changes).toEqual(["ended alder.test"]));
    service.say(account());
    await soon(() => expect(changes).toEqual(["ended alder.test", "stored alder.test"]));

    // A new key, and only the directory knows it; the revision at which it was proved moves on.
    const before = attestations.byDid(did)[0]!.rev;
    await repos.rotateSigningKey(did);
    service.say({ did, time_us: (time += 1), kind: "identity", identity: { did, handle: "alder.test" } });
    await soon(() => expect(attestations.byDid(did)[0]!.rev > before).toBe(true));

    for (const rubbish of ["{", "[]", "null", '{"kind":"commit"}', '{"time_us":-1}', '{"time_us":1,"did":7}'])
      service.say(rubbish);
    await reconnected(service, 2);

    // "Deleted" is believed when the account's own host says so too; until then it is only hidden.
    service.say(account("deleted"));
    await soon(() => expect(changes.slice(2)).toEqual(["ended alder.test", "stored alder.test"]));
    await repos.setStatus(did, "deleted");
    service.say(account("deleted"));
    await soon(() => expect(attestations.byDid(did)).toEqual([]));
    expect(changes.slice(4)).toEqual(["ended alder.test"]);
  });
});

describe("Tap", () => {
  const recordEvent = (id: number, rkey: string, action = "create") => ({
    id,
    type: "record",
    record: { live: true, rev: "3k", did, collection: ATTESTATION_COLLECTION, rkey, action, cid: "bafy" },
  });
  const identityEvent = (id: number, status: string) => ({
    id,
    type: "identity",
    identity: { did, handle: "alder.test", is_active: status === "active", status },
  });

  /** What Tap does: an event is sent until it is acknowledged. */
  class TapService {
    readonly pending = new Map<number, object>();
    readonly service: Service;
    constructor(service: Service) {
      this.service = service;
      service.onConnect = (ws) => {
        for (const event of this.pending.values()) ws.send(JSON.stringify(event));
      };
    }
    say(event: { id: number }): void {
      this.pending.set(event.id, event);
      this.service.say(event);
    }
    acks(): unknown[] {
      return this.service.received;
    }
  }

  test("each event is acknowledged when it has been followed, and what was not comes again", async () => {
    const service = await Service.start(open);
    const tap = new TapService(service);
    follow({ protocol: "tap", url: service.origin, password: "pass:word" });
    await soon(() => expect(service.requests).toHaveLength(1));
    expect(service.requests[0]!.url).toBe("/channel");
    expect(service.requests[0]!.headers.authorization).toBe(
      `Basic ${Buffer.from("admin:pass:word").toString("base64")}`,
    );

    await attest("alder.test");
    tap.say(recordEvent(7, "alder.test"));
    await soon(() => expect(tap.acks()).toEqual([{ type: "ack", id: 7 }]));
    expect(active()).toEqual(["alder.test"]);
    expect(changes).toEqual(["stored alder.test"]);

    // Never acknowledged by Tap's reckoning: it says so again on the next connection, and nothing changes.
    service.drop();
    await reconnected(service, 2);
    await soon(() => expect(tap.acks()).toHaveLength(2));
    expect(changes).toEqual(["stored alder.test"]);
    tap.pending.clear();

    tap.say(identityEvent(8, "deactivated"));
    await soon(() => expect(changes).toEqual(["stored alder.test", "ended alder.test"]));
    tap.say(identityEvent(9, "active"));
    await soon(() => expect(changes).toHaveLength(3));
    await repos.setStatus(did, "deleted");
    tap.say(identityEvent(10, "deleted"));
    await soon(() => expect(attestations.byDid(did)).toEqual([]));
    await soon(() => expect(tap.acks().slice(2)).toEqual([8, 9, 10].map((id) => ({ type: "ack", id }))));
    expect(db.get("SELECT count(*) AS n FROM attestation_cursor")).toEqual({ n: 0 });
  });

  test("an event of an unknown kind is acknowledged; one that cannot be named is passed over", async () => {
    const service = await Service.start(open);
    follow({ protocol: "tap", url: service.origin });
    await soon(() => expect(service.requests).toHaveLength(1));
    expect(service.requests[0]!.headers.authorization).toBeUndefined();
    for (const message of [
      "{",
      "7",
      '{"type":"record"}',
      { id: 1, type: "new" },
      { id: 2, type: "record", record: 7 },
    ])
      service.say(message);
    await soon(() => expect(service.received).toEqual([1, 2].map((id) => ({ type: "ack", id }))));
  });

  test("an event whose hint cannot be kept is not acknowledged", async () => {
    const service = await Service.start(open);
    follow({ protocol: "tap", url: service.origin });
    await soon(() => expect(service.requests).toHaveLength(1));
    db.run("ALTER TABLE attestation RENAME TO away");
    service.say(recordEvent(1, "alder.test"));
    service.say({ id: 2, type: "new" });
    await soon(() => expect(service.received).toEqual([{ type: "ack", id: 2 }]));
    db.run("ALTER TABLE away RENAME TO attestation");
  });
});

describe("the sweep", () => {
  test("finds what was there before, in both collections, page by page, and again once a day", async () => {
    const others = [];
    for (let i = 0; i < 5; i++) others.push(await repos.createAccount({ handle: `o${i}.test` }));
    for (const [i, other] of others.entries()) await attest(`d${i}.test`, {}, other.did);
    await repos.putRecord(did, ATMOS_COLLECTION, "elm.test", {
      domain: "elm.test",
      dkimSelectors: ["s1", "s2"],
      relayMember: true,
      createdAt,
    });
    expect(await attestations.sweepDue([repos.url])).toBe(6);
    expect(active()).toEqual(["d0.test", "d1.test", "d2.test", "d3.test", "d4.test", "elm.test"]);
    expect(attestations.byDomain("elm.test")[0]).toMatchObject({
      collection: ATMOS_COLLECTION,
      record: { dkim: [{ selector: "s1" }, { selector: "s2" }] },
    });
    expect(attestations.byDomain("d0.test")[0]!.collection).toBe(ATTESTATION_COLLECTION);
    expect(changes).toHaveLength(6);

    expect(await attestations.sweepDue([repos.url])).toBe(0);
    await attest("late.test");
    clock.advance(DAY);
    expect(await attestations.sweepDue([repos.url])).toBe(7);
    expect(active()).toContain("late.test");
    expect(changes).toHaveLength(7);
  });

  test("an account may have both records of a domain: each is an attestation of its own", async () => {
    await attest("alder.test");
    await repos.putRecord(did, ATMOS_COLLECTION, "alder.test", {
      domain: "alder.test",
      dkimSelectors: ["s1"],
      createdAt,
    });
    await attestations.sweepDue([repos.url]);
    const collections = () => attestations.activeOf(did).map((a) => a.collection);
    expect(collections()).toEqual([ATTESTATION_COLLECTION, ATMOS_COLLECTION]);
    await repos.deleteRecord(did, ATTESTATION_COLLECTION, "alder.test");
    clock.advance(DAY);
    await attestations.refreshDue();
    expect(collections()).toEqual([ATMOS_COLLECTION]);
  });

  test("goes on where it was broken off", async () => {
    const dids = [did];
    for (let i = 0; i < 3; i++) dids.push((await repos.createAccount({ handle: `o${i}.test` })).did);
    for (const [i, one] of dids.entries()) await attest(`d${i}.test`, {}, one);
    const asked: (string | null)[] = [];
    let fails = true;
    const relay = await startListing(open, (url) => {
      if (url.searchParams.get("collection") !== ATTESTATION_COLLECTION) return { repos: [] };
      const cursor = url.searchParams.get("cursor");
      asked.push(cursor);
      if (cursor === "2" && fails) return undefined;
      const from = Number(cursor ?? 0);
      const page = dids.slice(from, from + 1).map((one) => ({ did: one }));
      return { repos: page, ...(from + 1 < dids.length && { cursor: String(from + 1) }) };
    });
    await attestations.sweepDue([relay]);
    expect(asked).toEqual([null, "1", "2"]);
    expect(active()).toEqual(["d0.test", "d1.test"]);
    fails = false;
    attestations = start();
    await attestations.sweepDue([relay]);
    expect(asked.slice(3)).toEqual(["2", "3"]);
    expect(active()).toEqual(["d0.test", "d1.test", "d2.test", "d3.test"]);
  });

  test("a PDS that cannot list by collection is asked for its accounts", async () => {
    await attest("alder.test");
    const pds = await startListing(open, (url) =>
      url.pathname.endsWith("listRepos")
        ? { repos: [{ did, head: "bafy", rev: "3k", active: true }] }
        : "unsupported",
    );
    await attestations.sweepDue([pds]);
    expect(active()).toEqual(["alder.test"]);
  });

  test("a stream that begins too late makes the sweep due again", async () => {
    await attestations.sweepDue([repos.url]);
    await attest("alder.test");
    db.run("INSERT INTO attestation_cursor (host, seq) VALUES (?, ?)", repos.url, 1_000_000);
    follow({ protocol: "repos", url: repos.url });
    // The host answers FutureCursor: our position was another's.
    await soon(() => expect(db.get("SELECT count(*) AS n FROM attestation_sweep")).toEqual({ n: 0 }));
    await attestations.sweepDue([repos.url]);
    expect(active()).toEqual(["alder.test"]);
  });
});
