import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { caseDecide, caseList, caseShow, memberAppeal, memberRemedy } from "../src/cli/case.ts";
import { memberShow, memberStanding } from "../src/cli/member.ts";
import type { Sandbox } from "../src/devnet/index.ts";
import { openSandbox } from "./open-sandbox.ts";

let env: string;
let sandbox: Sandbox;
let close: () => Promise<void>;
let did: string;

beforeAll(async () => {
  ({ env, sandbox, close } = await openSandbox());
  did = core().members.domain("alder.test")!.did;
});
afterAll(async () => {
  await close();
});
afterEach(() => vi.restoreAllMocks());

const core = () => sandbox.serve.core!;
const standing = () => core().standings.state(did).standing;

async function run(command: () => Promise<number>): Promise<string> {
  let text = "";
  vi.spyOn(process.stdout, "write").mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  expect(await command()).toBe(0);
  vi.restoreAllMocks();
  return text;
}
const json = async (command: () => Promise<number>) =>
  JSON.parse(await run(command)) as Record<string, unknown>;

let told = 0;
/** What a rule's verdict leads to, without the mail that brings it about. */
function found(cause: string): number {
  sandbox.clock.advance(1);
  const at = sandbox.clock.now();
  const finding = { cause, rule: "Rule", description: "12 of 20 do not exist", evidence: { hard: 12 } };
  const change = core().standings.consider(did, [{ ...finding, actionId: String(++told), at, sentAt: at }])!;
  core().cases.changed(change);
  return change.id;
}

const decided = { env: "", reason: "We looked at it", by: "rosa" };
beforeEach(async () => {
  decided.env = env;
  await core().decide(did, "good", { by: "rosa", why: "A test begins" });
});

describe("a suspension is for people", () => {
  test("it is listed with its date, shown with what is known, and lifted once", async () => {
    found("breaker-confirmed");
    const list = await run(() => caseList({ env, state: "open" }));
    expect(list).toMatch(new RegExp(`due .* UTC +${did} +A member is suspended`));
    const [one] = core().cases.list("open", 1, did);
    const id = String(one!.id);
    expect(await run(() => caseShow(id, { env }))).toMatch(
      new RegExp(`12 of 20 do not exist[^]*atmos case decide ${id} --uphold \\| --lift \\| --to STANDING`),
    );
    expect(standing()).toBe("suspended");
    expect(await run(() => caseDecide(id, { ...decided, lift: true }))).toContain(`${did} is good`);
    expect(standing()).toBe("good");
    await expect(caseDecide(id, { ...decided, uphold: true })).rejects.toThrow(/rosa has decided case/);
    expect(await run(() => caseShow(id, { env }))).toMatch(/Decided .* by rosa: lift\n {2}We looked at it/);
    expect(
      core()
        .standings.notes.list(did, 2)
        .map(({ body }) => body),
    ).toEqual(expect.arrayContaining([expect.stringContaining("We looked at it")]));
  });

  test("upheld it stands, and comes up again", async () => {
    found("breaker-confirmed");
    const { id, dueAt } = core().cases.list("open", 1, did)[0]!;
    await run(() => caseDecide(String(id), { ...decided, uphold: true }));
    expect(core().standings.state(did)).toMatchObject({ standing: "suspended", upheld: true });
    const [again] = core().cases.list("open", 1, did);
    expect(again).toMatchObject({ kind: "suspended" });
    expect(again!.dueAt).toBeGreaterThan(dueAt);
  });

  test("a person's suspension says by when it is looked at again, where it is decided and where it is shown", async () => {
    const said = await run(() => memberStanding(did, "suspended", { env, by: "rosa", why: "Spam" }));
    const [again] = core().cases.list("open", 1, did);
    const date = new Date(again!.dueAt).toISOString().slice(0, 16).replace("T", " ");
    expect(said).toContain(`The date is ${date} UTC.`);
    expect(await run(() => memberShow(did, { env }))).toContain(`The date is ${date} UTC.`);
  });

  test("nobody decides about itself, by whatever name", async () => {
    found("breaker-confirmed");
    const id = String(core().cases.list("open", 1, did)[0]!.id);
    for (const by of [did, "alder.test", "ada@alder.test"])
      await expect(caseDecide(id, { ...decided, lift: true, by })).rejects.toThrow(/somebody else/);
    expect(standing()).toBe("suspended");
  });
});

test("an appeal opens one case, which gives the standing back", async () => {
  const change = found("bounce-warning");
  const words = { env, text: "Our provider had an outage" };
  expect(await run(() => memberAppeal(did, String(change), words))).toMatch(/Case \d+ is open/);
  await expect(memberAppeal(did, String(change), words)).rejects.toThrow(/is appealed in case/);
  await expect(memberAppeal(did, "99999", words)).rejects.toThrow(/has no change 99999/);
  const { id } = core()
    .cases.list("open", 9, did)
    .find(({ kind }) => kind === "appeal")!;
  expect(await run(() => caseShow(String(id), { env }))).toContain("Our provider had an outage");
  await run(() => caseDecide(String(id), { ...decided, lift: true }));
  expect(standing()).toBe("good");
});

test("the member says what it changed, where something waits for that", async () => {
  await expect(memberRemedy(did, { env, text: "A captcha" })).rejects.toThrow(
    /only probation and suspension/,
  );
  found("bounce-probation");
  expect(await json(() => memberRemedy(did, { env, text: "A captcha", json: true }))).toMatchObject({
    standing: "probation",
    waits: true,
  });
  expect(core().standings.remedyOf(did)?.text).toBe("A captcha");
});

test("what is asked wrongly is answered with what is right", async () => {
  await expect(caseShow("seven", { env })).rejects.toMatchObject({ exit: 2 });
  await expect(caseShow("99999", { env })).rejects.toThrow(/no case 99999; see: atmos case list/);
  await expect(caseDecide("1", decided)).rejects.toMatchObject({ exit: 2 });
  await expect(caseDecide("1", { ...decided, lift: true, uphold: true })).rejects.toMatchObject({ exit: 2 });
  await expect(caseList({ env, state: "made-up" })).rejects.toThrow(/state/);
  found("breaker-confirmed");
  const id = String(core().cases.list("open", 1, did)[0]!.id);
  await expect(caseDecide(id, { ...decided, to: "made-up" })).rejects.toThrow(/to/);
});
