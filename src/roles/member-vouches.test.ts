import { afterEach, beforeEach, expect, test } from "vitest";
import { openCore } from "./core/core.fixture.ts";
import { createVouchDesk, createVouchPages } from "./member-vouches.ts";

const did = (letter: string) => `did:plc:${letter.repeat(24)}`;
const [ada, ben] = [did("a"), did("b")];
const form = { name: "Ben", contact: "", domains: [], daily: null, purpose: "", pds: "", words: "" };
const handles: Record<string, string> = { "ben.test": ben };
let here: Awaited<ReturnType<typeof openCore>>;
let pages: ReturnType<typeof createVouchPages>;
const core = () => here.core;
const seen = () => core().members.applications.open(ben)?.vouches;

beforeEach(async () => {
  here = await openCore(Date.UTC(2026, 0, 1));
  core().admission.join(ada, "Ada");
  core().admission.apply(ben, form, "ben");
  pages = createVouchPages(
    createVouchDesk({
      core: core(),
      async find(account) {
        if (account === "hangs.test") throw new Error("no answer");
        return account.startsWith("did:") ? account : (handles[account] ?? null);
      },
    }),
  );
});
afterEach(() => here.close());

test("a member speaks for an applicant by handle or DID; committee and applicant read it with the application", async () => {
  expect(seen()).toEqual([]);
  expect(await pages.vouch(ada, " @Ben.test ", "My neighbour")).toEqual({ done: true });
  expect(seen()).toMatchObject([{ by: ada, name: "Ada", did: ben, words: "My neighbour" }]);
  expect(pages.view(ada)).toMatchObject({ refused: null, vouches: [{ applicant: "Ben", end: null }] });
  expect(await pages.vouch(ada, ben, "")).toMatchObject({ refused: expect.stringContaining("already") });
});

test.each([
  [ada, "nobody.test", /waits for a decision/],
  [ada, "hangs.test", /could not be looked up/],
  [ada, ada, /itself/],
  [ben, ada, /good standing/],
  [did("z"), ben, /good standing/],
])("%s for %s is refused in words", async (by, account, words) => {
  expect(await pages.vouch(by, account, "")).toMatchObject({ refused: expect.stringMatching(words) });
  expect(seen()).toEqual([]);
});

test("it can be taken back, by who gave it and once", async () => {
  await pages.vouch(ada, ben, "");
  const { id } = seen()![0]!;
  core().admission.join(did("c"), "Cleo");
  expect(pages.withdraw(did("c"), id)).toHaveProperty("refused");
  expect(pages.withdraw(ada, id)).toEqual({ done: true });
  expect(pages.withdraw(ada, id)).toHaveProperty("refused");
  expect(seen()).toEqual([]);
  expect(await pages.vouch(ada, ben, "Again")).toEqual({ done: true });
});

const end = () => core().members.vouches.ofMember(ada)[0]?.end;
test.each([
  ["the member leaves", () => core().admission.leave(ada, { by: "ada", reason: "" }), "left"],
  ["it is approved", () => core().admission.approve(ben, { note: "", by: "rosa" }), "decided"],
  ["it is declined", () => core().admission.decline(ben, { reason: "No", by: "rosa" }), "decided"],
])("it ends when %s", async (_, happens, how) => {
  await pages.vouch(ada, ben, "");
  happens();
  expect(end()).toEqual({ at: here.clock.now(), how });
  expect(seen() ?? []).toEqual([]);
});

test("five wait at most, and who is warned speaks for nobody more", async () => {
  for (const letter of "cdefg") {
    core().admission.apply(did(letter), { ...form, name: letter }, "x");
    expect(await pages.vouch(ada, did(letter), "")).toEqual({ done: true });
  }
  expect(await pages.vouch(ada, ben, "")).toMatchObject({ refused: expect.stringMatching(/^Five/) });
  core().admission.approve(did("c"), { note: "", by: "rosa" });
  expect(await pages.vouch(ada, ben, "")).toEqual({ done: true });
  await core().decide(ada, "warned", { by: "rosa", why: "A test" });
  expect(pages.view(ada)).toMatchObject({ refused: expect.stringMatching(/good standing/) });
  expect(pages.view(did("z"))).toBeNull();
});

test("deletion takes what was said with it", async () => {
  await pages.vouch(ada, ben, "My neighbour");
  core().admission.leave(ada, { by: "ada", reason: "" });
  await core().admission.forget(ada, "ada");
  expect(here.db.all("SELECT * FROM vouch")).toEqual([]);
});
