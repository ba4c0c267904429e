import { afterEach, beforeEach, expect, test } from "vitest";
import { TOKEN_SCOPES, type NewToken } from "../account/index.ts";
import { openCore } from "./core/core.fixture.ts";
import { createPeopleDesk } from "./people-desk.ts";
import { createTokenDesk } from "./token-desk.ts";

const ADA = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
const BOB = "did:plc:bbbbbbbbbbbbbbbbbbbbbbbb";
const NOW = Date.UTC(2026, 0, 1);
const wish: NewToken = { name: " monitor ", scopes: ["read"], days: 90 };
let here: Awaited<ReturnType<typeof openCore>>;
let desk: ReturnType<typeof createTokenDesk>;

beforeEach(async () => {
  here = await openCore(NOW);
  here.core.admission.join(ADA, "Ada");
  desk = createTokenDesk({ core: here.core, now: () => NOW });
});
afterEach(() => here.close());

test("one is made, listed without what it says, and revoked", () => {
  const made = desk.make(ADA, wish, "rosa");
  if ("error" in made) throw new Error(made.message);
  expect(desk.list(ADA)).toEqual([made.token]);
  expect(made.token).toMatchObject({ name: "monitor", madeBy: "rosa" });
  expect(desk.revoke(BOB, made.token.id, "rosa")).toHaveProperty("error", "NotFound");
  expect(desk.revoke(ADA, made.token.id, "rosa")).toEqual({ id: made.token.id });
  expect(desk.revoke(ADA, made.token.id, "rosa")).toHaveProperty("error", "NotFound");
});

test("its name is one line, since it stands in what is kept of its deeds", () => {
  const made = desk.make(ADA, { ...wish, name: "monitor\r\n\u202eBy rosa." }, "rosa");
  expect(made).toHaveProperty("token.name", "monitor By rosa.");
});

test.each<[Partial<NewToken>, string]>([
  [{ name: " " }, "InvalidRequest"],
  [{ name: "x".repeat(65) }, "InvalidRequest"],
  [{ scopes: [] }, "InvalidRequest"],
  [{ days: 0 }, "InvalidRequest"],
  [{ days: 367 }, "InvalidRequest"],
  [{ days: 1.5 }, "InvalidRequest"],
  [{ days: Number.NaN }, "InvalidRequest"],
])("%j makes none", (change, error) => {
  expect(desk.make(ADA, { ...wish, ...change }, "rosa")).toHaveProperty("error", error);
  expect(desk.list(ADA)).toEqual([]);
});

test("none for nobody, for who has left, or beyond twenty", () => {
  expect(desk.make(BOB, wish, "rosa")).toHaveProperty("error", "NotAMember");
  expect(desk.list(BOB)).toHaveProperty("error", "NotAMember");
  for (let i = 0; i < 20; i++) expect(desk.make(ADA, wish, "rosa")).toHaveProperty("secret");
  expect(desk.make(ADA, wish, "rosa")).toHaveProperty("error", "TooManyTokens");
  here.core.admission.leave(ADA, { by: "ada", reason: "" });
  expect(desk.make(ADA, wish, "rosa")).toHaveProperty("error", "HasLeft");
  expect(desk.list(ADA)).toEqual([]);
});

test("who acts for a member no more, or only reads, leaves no token behind", async () => {
  const people = createPeopleDesk({ core: here.core, find: async (account) => account, clock: here.clock });
  const secretOf = (by: string) => {
    const made = desk.make(ADA, { ...wish, scopes: TOKEN_SCOPES }, by);
    if ("error" in made) throw new Error(made.message);
    return made.secret;
  };
  const isAlive = (secret: string) => here.core.tokens.read(secret, NOW).ok;
  await people.put(ADA, BOB, "manager", ADA);
  const [adas, bobs] = [secretOf(ADA), secretOf(BOB)];
  await people.put(ADA, BOB, "owner", ADA);
  expect([isAlive(adas), isAlive(bobs)]).toEqual([true, true]);
  await people.put(ADA, BOB, "viewer", ADA);
  expect([isAlive(adas), isAlive(bobs)]).toEqual([true, false]);
  const again = secretOf(BOB);
  await people.remove(ADA, BOB);
  expect([isAlive(adas), isAlive(again)]).toEqual([true, false]);
});
