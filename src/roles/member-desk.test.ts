import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Answer } from "../webhook/index.ts";
import type { Resolver } from "../protocol/dns/index.ts";
import { openCore } from "./core/core.fixture.ts";
import { createMemberDesk } from "./member-desk.ts";
import { createPeopleDesk } from "./people-desk.ts";

const ada = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
const bob = "did:plc:bbbbbbbbbbbbbbbbbbbbbbbb";
const form = { name: "Ada", contact: "", domains: [], daily: null, purpose: "", pds: "", words: "" };
let here: Awaited<ReturnType<typeof openCore>>;
let desk: ReturnType<typeof createMemberDesk>;
/** TXT records by name. */
let zone: Map<string, string>;
let answer: Answer;

const resolver: Resolver = {
  async resolve(name: string) {
    const text = zone.get(name);
    return text === undefined
      ? { status: "nxdomain", authentic: false }
      : { status: "ok", authentic: false, records: [{ text, ttl: 60 }] };
  },
} as Resolver;

beforeEach(async () => {
  zone = new Map();
  answer = { ok: true, status: 204 };
  here = await openCore(1_000_000, { post: async () => answer });
  desk = createMemberDesk({
    core: here.core,
    labeler: undefined,
    spool: undefined,
    tests: undefined,
    resolver,
    askAuthority: async () => null,
    people: createPeopleDesk({ core: here.core, find: async () => null, clock: here.clock }),
    submission: () => ({ host: "mx.coop.test", tls: [465], starttls: [587] }),
    clock: here.clock,
  });
  here.core.admission.join(ada, "Ada");
  here.core.admission.join(bob, "Bob");
});
afterEach(() => here.close());

const prove = (did: string, domain: string) => zone.set(`_email-attestation.${domain}`, `did=${did}`);
async function addDomain(did: string, domain: string) {
  prove(did, domain);
  const added = await desk.domains.add(did, domain);
  if ("error" in added) throw new Error(added.message);
}

describe("domains", () => {
  test("one is added once it names the account, in the DNS, and not twice", async () => {
    expect(await desk.domains.claim(ada, "Ada.Test")).toMatchObject({
      domain: "ada.test",
      proof: { published: { state: "no-name" } },
    });
    expect(await desk.domains.add(ada, "ada.test")).toMatchObject({
      error: "NotProved",
      message: `ada.test does not name your account yet. Publish TXT _email-attestation.ada.test "did=${ada}", and try again.`,
    });
    prove(bob, "ada.test");
    expect(await desk.domains.add(ada, "ada.test")).toHaveProperty("error", "NotProved");
    prove(ada, "ada.test");
    expect(await desk.domains.add(ada, "ada.test")).toMatchObject({ domain: "ada.test" });
    expect(await desk.domains.add(ada, "ada.test")).toHaveProperty("error", "YoursAlready");
    expect(await desk.domains.add(bob, "ada.test")).toHaveProperty("error", "DomainTaken");
    expect(desk.domains.list(ada)).toMatchObject([
      { domain: "ada.test", status: "held", addedAt: 1_000_000 },
    ]);
    expect(desk.domains.list(ada)[0]!.records).toHaveLength(6);
    expect(desk.domains.list(bob)).toEqual([]);
  });

  test("keys turn, and what has not begun to sign can be taken back", async () => {
    await addDomain(ada, "ada.test");
    expect(await desk.domains.cancelRotation(ada, "ada.test")).toHaveProperty("error", "NoRotation");
    expect(await desk.domains.hurryRotation(ada, "ada.test")).toHaveProperty("error", "NoRotation");
    const turned = await desk.domains.rotate(ada, "ada.test");
    if ("error" in turned) throw new Error(turned.message);
    expect(turned.publish).toHaveLength(2);
    expect(await desk.domains.rotate(ada, "ada.test")).toHaveProperty("error", "RotationUnderWay");
    // Not in the DNS: it stays as it was.
    expect(await desk.domains.hurryRotation(ada, "ada.test")).toEqual(turned);
    expect(await desk.domains.cancelRotation(ada, "ada.test")).toMatchObject({ publish: [] });
  });

  test("one goes with what it carried, and a note says who took it out", async () => {
    await addDomain(ada, "a.test");
    await addDomain(ada, "b.test");
    await desk.credentials.make(ada, { name: "pds", domains: ["a.test"] });
    await desk.credentials.make(ada, { name: "blog", domains: ["a.test", "b.test"] });
    const ends = { revoked: [{ name: "pds" }], narrowed: [{ name: "blog" }] };
    expect(await desk.domains.removal(ada, "a.test")).toMatchObject({
      ...ends,
      waiting: null,
      isLast: false,
    });
    expect(desk.domains.list(ada)).toHaveLength(2);
    expect(await desk.domains.remove(ada, "A.test", "rosa")).toMatchObject(ends);
    expect(desk.domains.list(ada).map(({ domain }) => domain)).toEqual(["b.test"]);
    const [note] = here.core.standings.notes.list(ada, 1);
    expect(note).toMatchObject({ title: "a.test was removed", body: expect.stringContaining("By rosa.") });
    expect(note!.body).toContain('all that they sent for: "pds"');
    expect(await desk.domains.removal(ada, "b.test")).toMatchObject({ isLast: true });
  });

  test.each<[string, (domain: string) => Promise<unknown>]>([
    ["look", (domain) => desk.domains.look(bob, domain)],
    ["rotation", (domain) => desk.domains.rotation(bob, domain)],
    ["rotate", (domain) => desk.domains.rotate(bob, domain)],
    ["cancel", (domain) => desk.domains.cancelRotation(bob, domain)],
    ["hurry", (domain) => desk.domains.hurryRotation(bob, domain)],
    ["removal", (domain) => desk.domains.removal(bob, domain)],
    ["remove", (domain) => desk.domains.remove(bob, domain, "bob")],
  ])("of another member nothing can be asked: %s", async (_, ask) => {
    await addDomain(ada, "ada.test");
    const other = { error: "DomainNotHeld", message: "ada.test is not one of your domains here." };
    expect(await ask("ada.test")).toEqual(other);
    expect(desk.domains.list(ada)).toHaveLength(1);
  });
});

describe("credentials", () => {
  test("one is made with its reach, and its secret is in the answer", async () => {
    await addDomain(ada, "ada.test");
    const made = await desk.credentials.make(ada, {
      name: "blog",
      domains: ["Ada.test"],
      streams: ["bulk"],
      hourly: 5,
      daily: 20,
    });
    if ("error" in made) throw new Error(made.message);
    expect(made.lines).toContain(`@mx.coop.test:465`);
    expect(made.secret).toMatch(/^atms_/);
    const [kept] = desk.credentials.list(ada);
    expect(kept).toMatchObject({
      name: "blog",
      domains: ["ada.test"],
      streams: ["bulk"],
      hourly: 5,
      daily: 20,
    });
    expect(JSON.stringify(kept)).not.toContain(made.secret);
    expect(await desk.credentials.revoke(bob, made.id, "bob")).toHaveProperty("error", "NotFound");
    expect(await desk.credentials.revoke(ada, made.id, "ada")).toEqual({ id: made.id });
    expect(await desk.credentials.revoke(ada, made.id, "ada")).toHaveProperty("error", "NotFound");
  });

  test("none for another's domain, for none, or beyond what an applicant may have", async () => {
    await addDomain(ada, "ada.test");
    const make = (did: string, domains: string[]) => desk.credentials.make(did, { domains });
    expect(await make(bob, ["ada.test"])).toHaveProperty("error", "DomainNotHeld");
    expect(await make(ada, [])).toMatchObject({ message: "Choose one of your domains at least." });
    const cleo = "did:plc:cccccccccccccccccccccccc";
    expect(await make(cleo, ["c.test"])).toHaveProperty("error", "NotAMember");
    here.core.admission.apply(cleo, form, cleo);
    await addDomain(cleo, "c.test");
    for (let i = 0; i < 5; i++) expect(await make(cleo, ["c.test"])).toHaveProperty("secret");
    expect(await make(cleo, ["c.test"])).toHaveProperty("error", "TooManyCredentials");
    here.core.admission.leave(ada, { reason: "", by: "ada" });
    expect(await make(ada, ["ada.test"])).toHaveProperty("error", "HasLeft");
  });
});

test("a receiver is named with a new secret each time, tried, and removed", async () => {
  expect(await desk.webhook.test(ada)).toHaveProperty("error", "NoReceiver");
  expect(desk.webhook.set(ada, "ftp://x.test", "ada")).toHaveProperty("error", "BadAddress");
  const [one, two] = [1, 2].map(() => desk.webhook.set(ada, "https://hooks.ada.test/x", "ada"));
  expect(one).toMatchObject({ secret: expect.stringMatching(/^whsec_/) });
  expect(two).not.toEqual(one);
  expect(await desk.webhook.test(ada)).toEqual({ ok: true, status: 204, why: "" });
  answer = { ok: false, status: 500, why: "HTTP status 500" };
  expect(await desk.webhook.test(ada)).toEqual(answer);
  expect(desk.webhook.of(ada)).toMatchObject({ receiver: { setBy: "ada" }, messages: [] });
  expect(desk.webhook.of(bob)).toMatchObject({ receiver: null });
  desk.webhook.remove(ada, "ada");
  expect(desk.webhook.of(ada)).toMatchObject({ receiver: null });
});

test("an appeal waits as a case, once; what was changed is asked in probation only", async () => {
  expect(await desk.standing.remedy(ada, "Mended")).toHaveProperty("error", "NoRemedyAsked");
  const { id } = await here.core.decide(ada, "probation", { by: "rosa", why: "Bounces" });
  expect(desk.standing.isRemedyAsked(ada)).toBe(true);
  expect(await desk.standing.appeal(bob, id, "No", "bob")).toHaveProperty("error", "NotFound");
  const opened = await desk.standing.appeal(ada, id, "It was a test.", "ada");
  expect(opened).toMatchObject({ change: id, words: "It was a test.", decision: null });
  expect(await desk.standing.appeal(ada, id, "Again", "ada")).toHaveProperty("error", "AppealedAlready");
  expect(desk.standing.appeals(ada)).toEqual([opened]);
  expect(desk.standing.appeals(bob)).toEqual([]);
  expect(await desk.standing.remedy(ada, "We confirm addresses.")).toHaveProperty("standing");
  expect(desk.standing.isRemedyAsked(ada)).toBe(false);
});

test("where a member is told of its mail must be its own, and goes to the relay nodes with its policy", async () => {
  const { admission, members } = here.core;
  const cleo = "did:plc:cccccccccccccccccccccccc";
  admission.apply(cleo, { ...form, contact: "ada@ada.test" }, "cleo");
  expect(await desk.settings.setBounces(cleo, { to: "address", address: "ada@ada.test" })).toMatchObject({
    message: expect.stringContaining("not known to be the member's"),
  });
  admission.approve(cleo, { note: "", by: "rosa" });
  await members.addDomain(cleo, "pds.test");
  const choose = (address: string) => desk.settings.setBounces(cleo, { to: "address", address });
  // The domain was not verified yet.
  expect(await choose("ops@pds.test")).toHaveProperty("error");
  expect(await choose("victim@other.test")).toHaveProperty("error");
  expect(here.core.policyOf(cleo)).not.toHaveProperty("bounces");
  expect(await choose("ada@ada.test")).toHaveProperty("to");
  members.setDomainStatus("pds.test", "active");
  expect(await choose("ops@pds.test")).toHaveProperty("to");
  expect(here.core.policyOf(cleo)).toMatchObject({ bounces: { to: "address", address: "ops@pds.test" } });
  await desk.settings.setBounces(cleo, { to: "sender" });
  expect(here.core.policyOf(cleo)).toMatchObject({ bounces: { to: "sender" } });
  await desk.settings.setBounces(cleo, { to: "nobody" });
  expect(here.core.policyOf(cleo)).not.toHaveProperty("bounces");
});
