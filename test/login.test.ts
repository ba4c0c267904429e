import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { consent, openBrowser, OURS } from "./browser.ts";
import { openSandbox } from "./open-sandbox.ts";

let opened: Awaited<ReturnType<typeof openSandbox>>;
beforeAll(async () => void (opened = await openSandbox()));
afterAll(() => opened.close());

const browser = () => openBrowser(opened.sandbox.urls.web);

describe("a log-in with an account of one's own", () => {
  test("leads a member's account to its page, and ends when it logs out", async () => {
    const { ask, logIn, post, jar } = browser();
    const operator = opened.sandbox.serve.core!.members.domain("alder.test");
    const answer = await logIn("alder.test");
    expect([answer.status, answer.headers.get("location")]).toEqual([303, `/members/${operator!.did}`]);
    const secret = jar.get("atmos-session");
    expect((await ask(`/members/${operator!.did}`)).status).toBe(200);
    expect(await (await ask("/me")).text()).toContain("as owner");
    expect((await post("/logout", {})).status).toBe(200);
    jar.set("atmos-session", secret!);
    expect((await ask(`/members/${operator!.did}`)).status).toBe(403);
  });

  test("leads a person to the member that it acts for, to a choice where there are several, and back", async () => {
    const { members, people } = opened.sandbox.serve.core!;
    const { did } = members.domain("alder.test")!;
    const { ask, logIn, post } = browser();
    expect((await logIn("cleo.pds.test")).headers.get("location")).toBe("/join");
    const cleo = /did:plc:[a-z2-7]{24}/.exec(await (await ask("/me")).text())![0];
    const page = `/members/${did}`;
    const bounces = async (to: string) => (await post(`${page}/bounces`, { to })).status;

    people.put(did, cleo, "viewer", "test", Date.now());
    expect((await ask("/login")).headers.get("location")).toBe(page);
    expect([(await ask(page)).status, await bounces("nobody")]).toEqual([200, 403]);
    people.put(did, cleo, "manager", "test", Date.now());
    expect(await bounces("nobody")).toBe(303);

    const second = (await opened.sandbox.world.repos.createAccount({ handle: "second.test" })).did;
    opened.sandbox.serve.core!.admission.join(second, "Second");
    people.put(second, cleo, "viewer", "test", Date.now());
    expect((await logIn("cleo.pds.test")).headers.get("location")).toBe("/me");
    expect((await logIn("cleo.pds.test", `${page}#bounces`)).headers.get("location")).toBe(`${page}#bounces`);
    people.remove(did, cleo);
    expect((await ask(page)).status).toBe(404);
  });

  test("of an account of the committee opens its pages, under its own name", async () => {
    const { ask, logIn } = browser();
    expect((await logIn("dora.pds.test")).headers.get("location")).toBe("/committee");
    const answer = await ask("/committee");
    expect([answer.status, (await answer.text()).includes("committee, did:plc:")]).toEqual([200, true]);
    expect((await ask("/me")).status).toBe(200);
  });

  test("makes a new session, whatever the browser brought along", async () => {
    const { jar, ask, logIn } = browser();
    const planted = "a".repeat(43);
    jar.set("atmos-session", planted);
    await logIn("ada.pds.test");
    expect(jar.get("atmos-session")).not.toBe(planted);
    const first = jar.get("atmos-session")!;
    await logIn("ben.pds.test");
    const second = jar.get("atmos-session")!;
    jar.set("atmos-session", first);
    expect((await ask("/me")).headers.get("location")).toBe("/login");
    jar.set("atmos-session", second);
    expect((await ask("/me")).status).toBe(200);
  });

  test("shows a newcomer nothing of a member", async () => {
    const { ask, logIn } = browser();
    expect((await logIn("ada.pds.test")).headers.get("location")).toBe("/join");
    const operator = opened.sandbox.serve.core!.members.domain("alder.test");
    expect((await ask(`/members/${operator!.did}`)).status).toBe(404);
    expect((await ask("/committee")).status).toBe(403);
    expect(await (await ask("/me")).text()).toContain("None yet");
  });

  test("goes on to no other site", async () => {
    const { logIn } = browser();
    expect((await logIn("ada.pds.test", "//evil.example/")).headers.get("location")).toBe("/join");
  });

  test("is heard of once: what came back from the account's server opens no second session", async () => {
    const { begin, ask, jar } = browser();
    const back = await consent(await begin("ada.pds.test"), "ada.pds.test");
    expect((await ask(back)).status).toBe(303);
    jar.clear();
    const again = await ask(back);
    expect([again.status, jar.has("atmos-session")]).toEqual([403, false]);
    expect(await again.text()).toContain("expired, or was used before");
  });

  test("that was begun in another browser opens nothing in this one", async () => {
    const victim = browser();
    const attacker = browser();
    const back = await consent(await attacker.begin("ben.pds.test"), "ben.pds.test");
    await victim.begin("ada.pds.test");
    const answer = await victim.ask(back);
    expect([answer.status, victim.jar.has("atmos-session")]).toEqual([403, false]);
    expect(await answer.text()).toContain("in another browser");
  });

  test("that the person refuses is told as that", async () => {
    const { begin, ask } = browser();
    const back = await consent(await begin("ada.pds.test"), "ada.pds.test", "deny");
    expect(await (await ask(back)).text()).toContain("You did not agree");
  });

  test.each<[string, Record<string, string>, Record<string, string>, number, string]>([
    ["no account", { account: "" }, OURS, 400, "Type a handle"],
    ["no handle", { account: "ada @@" }, OURS, 400, "Type a handle"],
    ["a handle that nobody has", { account: "nobody.pds.test" }, OURS, 400, "was not found"],
    [
      "a form of another site",
      { account: "ada.pds.test" },
      { "sec-fetch-site": "cross-site" },
      403,
      "refused",
    ],
  ])("is not begun: %s", async (_, fields, headers, status, words) => {
    const { post, jar } = browser();
    const answer = await post("/login", fields, headers);
    expect([answer.status, jar.size]).toEqual([status, 0]);
    expect(await answer.text()).toContain(words);
  });

  test("leaves no token behind", async () => {
    const { logIn } = browser();
    await logIn("ada.pds.test");
    const db = new DatabaseSync(join(opened.sandbox.config.DATA_DIR, "core.sqlite"), { readOnly: true });
    const kinds = db.prepare("SELECT kind FROM oauth_pending").all() as { kind: string }[];
    db.close();
    expect(kinds.filter(({ kind }) => kind === "tokens")).toEqual([]);
  });
});
