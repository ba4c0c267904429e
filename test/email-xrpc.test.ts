import { generateKeyPairSync } from "node:crypto";
import { Secp256k1Keypair } from "@atproto/crypto";
import { Hono } from "hono";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  ATMOS_COLLECTION,
  ATTESTATION_COLLECTION,
  attestationMigration,
  createAttestations,
} from "../src/attestation/index.ts";
import { createZones, startDevnetDns, type Zones } from "../src/devnet/dns.ts";
import { plcMigration, startPlc } from "../src/devnet/plc.ts";
import { repoHostMigration, startRepoHost } from "../src/devnet/repo-host/index.ts";
import { eventMaker, outboxMigration } from "../src/event/index.ts";
import { createLabels, labelMigration } from "../src/label/index.ts";
import { MovableClock } from "../src/lib/clock.ts";
import { snowflakes } from "../src/lib/ids.ts";
import { Database } from "../src/platform/database.ts";
import { createResolver } from "../src/platform/dns/index.ts";
import { createSafeFetch } from "../src/platform/fetch.ts";
import { serveHttp } from "../src/platform/http.ts";
import { silentLog } from "../src/platform/log.ts";
import { formatDkimKeyRecord, keyFingerprint } from "../src/protocol/dkim-record/index.ts";
import * as checkDomain from "../src/protocol/lexicon/community/email/checkDomain.ts";
import * as getAttestationStatus from "../src/protocol/lexicon/community/email/getAttestationStatus.ts";
import * as listMembers from "../src/protocol/lexicon/community/email/listMembers.ts";
import { emailXrpc } from "../src/roles/xrpc.ts";

const clock = new MovableClock(Date.parse("2026-01-01T00:00:00Z"));
const dkim = generateKeyPairSync("ed25519").publicKey;
const open: { close(): unknown }[] = [];
const dids: Record<string, string> = {};
let origin: string;
let zones: Zones;

beforeAll(async () => {
  const world = new Database(":memory:", [plcMigration, repoHostMigration]);
  const plc = await startPlc({ db: world, clock, host: "127.0.0.1", port: 0 });
  const repos = await startRepoHost({ db: world, clock, host: "127.0.0.1", port: 0, plcUrl: plc.url });
  zones = createZones();
  const dns = await startDevnetDns({ zones, host: "127.0.0.1", port: 0 });
  const db = new Database(":memory:", [attestationMigration, labelMigration, outboxMigration]);
  open.push(world, plc, repos, dns, db);
  const attestations = createAttestations({
    db,
    resolver: createResolver({ servers: [`127.0.0.1:${dns.port}`] }),
    clock,
    fetch: createSafeFetch({ allowPrivate: true }),
    plcUrl: plc.url,
    log: silentLog,
    newEvent: eventMaker(
      () => clock.now(),
      snowflakes(() => clock.now()),
    ),
    pool: { domain: "pool.test", spfInclude: "spf.pool.test", returnPathHost: "bounce.pool.test" },
    allowPrivate: true,
  });
  const labels = createLabels({
    db,
    did: "did:plc:labeler",
    keypair: await Secp256k1Keypair.create(),
    clock,
    log: silentLog,
    attestationsOf: attestations.activeOf,
  });

  for (const [name, collection] of [
    ["alder.test", ATTESTATION_COLLECTION],
    ["birch.test", ATMOS_COLLECTION],
    ["cedar.test", ATTESTATION_COLLECTION],
  ] as const) {
    const { did } = await repos.createAccount({ handle: name });
    dids[name] = did;
    const createdAt = "2026-01-01T00:00:00.000Z";
    await repos.putRecord(did, collection, name, {
      domain: name,
      createdAt,
      ...(collection === ATMOS_COLLECTION
        ? { dkimSelectors: ["s"] }
        : { dkim: [{ selector: "s", fingerprint: keyFingerprint(dkim) }], mx: [{ host: `mx.${name}` }] }),
    });
    publish(name, did);
    if (name === "cedar.test") zones.set(`_email-attestation.${name}`, "TXT", { text: "did=did:plc:other" });
    await attestations.intake({ did, collection, rkey: name });
  }
  await attestations.checkDue();
  for (const did of Object.values(dids)) await labels.reconcile(did);

  const app = new Hono().route(
    "/",
    emailXrpc({
      labeler: { attestations, labels } as never,
      clock,
      authority: "org.example.mail",
      trustedProxies: ["127.0.0.1"],
    }),
  );
  const server = await serveHttp(app, { host: "127.0.0.1", port: 0 });
  open.push(server);
  origin = `http://127.0.0.1:${server.address.port}`;
}, 30_000);
afterAll(async () => {
  for (const one of open.toReversed()) await one.close();
});

function publish(name: string, did: string): void {
  zones.addZone(name);
  zones.set(name, "MX", { preference: 10, exchange: `mx.${name}` });
  zones.set(`mx.${name}`, "A", { address: "198.41.0.4" });
  zones.set(name, "TXT", { text: "v=spf1 mx -all" });
  zones.set(`_dmarc.${name}`, "TXT", { text: "v=DMARC1; p=reject" });
  zones.set(`_email-attestation.${name}`, "TXT", { text: `did=${did}` });
  zones.set(`s._domainkey.${name}`, "TXT", { text: formatDkimKeyRecord(dkim) });
}

let clients = 0;
/** Each test is a client of its own, as the reverse proxy says. */
const client = () => `198.51.100.${++clients}`;

async function ask(method: string, query: Record<string, string | string[]> = {}, from = client()) {
  const parameters = new URLSearchParams(
    Object.entries(query).flatMap(([name, value]) =>
      [value].flat().map((one): [string, string] => [name, one]),
    ),
  );
  const response = await fetch(`${origin}/xrpc/${method}?${parameters}`, {
    headers: { "x-forwarded-for": from },
  });
  const body = (await response.json()) as Record<string, unknown>;
  return { status: response.status, headers: response.headers, body };
}

describe("community.email.checkDomain", () => {
  test("anybody may ask about any domain, and the answer is in the words of the lexicon", async () => {
    const { status, body } = await ask("community.email.checkDomain", {
      domain: "Alder.TEST",
      selectors: ["s", "none"],
    });
    expect(status).toBe(200);
    const answer = checkDomain.$output.schema.parse(body);
    expect(answer).toMatchObject({ domain: "alder.test", summary: "broken" });
    expect(
      answer.requirements!.find((r) => r.provider === "gmail" && r.need.startsWith("DKIM"))!.status,
    ).toBe("fail");
    const found = answer.checks.find(({ check }) => check === "dkim")!;
    expect(found.findings!.map(({ code }) => code)).toContain("dkim-missing");
    expect(found.findings!.find(({ code }) => code === "dkim-missing")!.remedy).toContain(
      "none._domainkey.alder.test",
    );
  });

  test("with the account, the DNS is compared with its proved record", async () => {
    const did = dids["alder.test"]!;
    const { body } = await ask("community.email.checkDomain", { domain: "alder.test", did });
    expect(checkDomain.$output.schema.parse(body)).toMatchObject({
      did,
      attestation: `at://${did}/${ATTESTATION_COLLECTION}/alder.test`,
      summary: "verified",
    });
  });

  test.each([
    ["no domain", {}, "InvalidRequest", /domain/],
    ["an address", { domain: "192.0.2.1" }, "InvalidDomain", /192\.0\.2\.1/],
    ["a handle for a DID", { domain: "x.test", did: "alice.test" }, "InvalidRequest", /did/i],
    ["two domains", { domain: ["a.test", "b.test"] }, "InvalidRequest", /domain/],
    [
      "eleven selectors",
      { domain: "x.test", selectors: Array.from({ length: 11 }, (_, i) => `s${i}`) },
      "InvalidRequest",
      /selectors/,
    ],
    ["a domain of 300 characters", { domain: "a".repeat(300) }, "InvalidRequest", /too (big|long)|maximum/],
  ] as const)("%s is refused by name", async (_, query, error, message) => {
    const { status, body } = await ask("community.email.checkDomain", query as Record<string, string>);
    expect(status).toBe(400);
    expect(body).toEqual({ error, message: expect.stringMatching(message) });
  });
});

describe("community.email.getAttestationStatus", () => {
  test("says which record an account uses, what was checked, and which labels stand", async () => {
    for (const [domain, collection] of [
      ["alder.test", ATTESTATION_COLLECTION],
      ["birch.test", ATMOS_COLLECTION],
    ] as const) {
      const { body } = await ask("community.email.getAttestationStatus", { did: dids[domain]! });
      const { attestations } = getAttestationStatus.$output.schema.parse(body);
      expect(attestations).toMatchObject([{ did: dids[domain], domain, collection, summary: "verified" }]);
      expect(attestations[0]!.labels!.map(({ val, uri }) => [val, uri])).toEqual([
        ["verified-mail-operator", attestations[0]!.uri],
        ["verified-mail-operator", dids[domain]],
      ]);
      expect(attestations[0]!.checks!.length).toBeGreaterThan(4);
    }
  });

  test("a domain that fails its checks is shown without a label", async () => {
    const { body } = await ask("community.email.getAttestationStatus", { domain: "cedar.test" });
    const [found] = getAttestationStatus.$output.schema.parse(body).attestations;
    expect(found).toMatchObject({ did: dids["cedar.test"], summary: "unknown", labels: [] });
    expect(found!.checks!.find(({ check }) => check === "domain-control")!.status).toBe("fail");
  });

  test("nothing is known of others; one of the parameters is needed", async () => {
    const other = { did: dids["alder.test"]!, domain: "birch.test" };
    expect((await ask("community.email.getAttestationStatus", other)).body).toEqual({ attestations: [] });
    expect(await ask("community.email.getAttestationStatus")).toMatchObject({
      status: 400,
      body: { error: "InvalidRequest" },
    });
  });
});

describe("community.email.listMembers", () => {
  test("labelled operators with their domains, page by page; nobody else", async () => {
    const labelled = [dids["alder.test"]!, dids["birch.test"]!].toSorted();
    const first = listMembers.$output.schema.parse(
      (await ask("community.email.listMembers", { limit: "1" })).body,
    );
    expect(first.cursor).toBe(labelled[0]);
    const second = listMembers.$output.schema.parse(
      (await ask("community.email.listMembers", { limit: "1", cursor: first.cursor! })).body,
    );
    expect(second.cursor).toBeUndefined();
    const members = [...first.members, ...second.members];
    expect(members.map(({ did }) => did)).toEqual(labelled);
    expect(members.flatMap(({ domains }) => domains.map(({ domain }) => domain)).toSorted()).toEqual([
      "alder.test",
      "birch.test",
    ]);
    expect(Object.keys(members[0]!).toSorted()).toEqual(["did", "domains", "labels"]);
  });

  test.each(["0", "251", "x", "1.5"])("a limit of %s is refused", async (limit) => {
    expect((await ask("community.email.listMembers", { limit })).status).toBe(400);
  });
});

describe("bounds", () => {
  test("a client has so many requests a minute, and no other client is worse off", async () => {
    const hasty = client();
    const statuses: number[] = [];
    for (let i = 0; i < 125; i++) statuses.push((await ask("community.email.listMembers", {}, hasty)).status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(120);
    const refused = await ask("community.email.listMembers", {}, hasty);
    expect(refused).toMatchObject({
      status: 429,
      body: { error: "RateLimitExceeded", message: expect.any(String) },
    });
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    expect((await ask("community.email.listMembers")).status).toBe(200);
    clock.advance(60_000);
    expect((await ask("community.email.listMembers", {}, hasty)).status).toBe(200);
  });

  test("looking at the DNS costs six times as much", async () => {
    const hasty = client();
    const statuses: number[] = [];
    for (let i = 0; i < 21; i++) {
      statuses.push((await ask("community.email.checkDomain", { domain: "alder.test" }, hasty)).status);
    }
    expect(statuses.filter((status) => status === 200)).toHaveLength(20);
    expect(statuses.at(-1)).toBe(429);
  });

  test("who writes an address of their own before the proxy's, or moves within one network, is one client", async () => {
    const last = client();
    for (let i = 0; i < 120; i++)
      await ask("community.email.listMembers", {}, `203.0.113.${i}, ${last}, 127.0.0.1`);
    expect((await ask("community.email.listMembers", {}, last)).status).toBe(429);
    for (let i = 0; i < 120; i++)
      await ask("community.email.listMembers", {}, `2001:db8:1:2::${i.toString(16)}`);
    expect((await ask("community.email.listMembers", {}, "2001:db8:1:2:ffff::1")).status).toBe(429);
    expect((await ask("community.email.listMembers", {}, "2001:db8:1:3::1")).status).toBe(200);
  });

  test("queries are GET, for every origin, and under the configured authority too", async () => {
    const response = await fetch(`${origin}/xrpc/community.email.listMembers`, { method: "POST" });
    expect(response.status).toBe(405);
    expect(response.headers.get("access-control-allow-origin")).toBe("*");
    expect((await ask("org.example.mail.listMembers")).status).toBe(200);
  });
});
