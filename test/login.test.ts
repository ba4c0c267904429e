import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openSandbox } from "./open-sandbox.ts";

const OURS = { "sec-fetch-site": "same-origin" };
let opened: Awaited<ReturnType<typeof openSandbox>>;
beforeAll(async () => void (opened = await openSandbox()));
afterAll(() => opened.close());

/** A browser with a jar for our cookies. */
function browser() {
  const jar = new Map<string, string>();
  const { web } = opened.sandbox.urls;
  async function ask(path: string, init: RequestInit = {}): Promise<Response> {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
    const answer = await fetch(new URL(path, web), {
      redirect: "manual",
      ...init,
      headers: { ...init.headers, cookie },
    });
    for (const line of answer.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === "" || /max-age=0/i.test(line)) jar.delete(name);
      else jar.set(name, value);
    }
    return answer;
  }
  const post = (path: string, fields: Record<string, string>, headers: Record<string, string> = OURS) =>
    ask(path, { method: "POST", headers, body: new URLSearchParams(fields) });
  /** As far as the page of the person's own server. */
  async function begin(account: string, next = ""): Promise<URL> {
    const page = await (await post("/login", { account, next })).text();
    const [, href = ""] = /href="([^"]+)"[^>]*data-onward/.exec(page) ?? [];
    expect(href, page).not.toBe("");
    return new URL(href.replaceAll("&amp;", "&"));
  }
  async function logIn(handle: string, next = ""): Promise<Response> {
    return ask(await consent(await begin(handle, next), handle));
  }
  return { jar, ask, post, begin, logIn };
}

/** Says yes or no at the account's own server, and gives where that sends the browser. */
async function consent(url: URL, handle: string, decision: "allow" | "deny" = "allow"): Promise<string> {
  const page = await (await fetch(url)).text();
  const did = new RegExp(`value="(did:plc:[a-z2-7]+)"[^>]*/> ${handle.replaceAll(".", "\\.")}`).exec(
    page,
  )?.[1];
  const answer = await fetch(new URL(url.pathname, url), {
    method: "POST",
    redirect: "manual",
    headers: { origin: url.origin },
    body: new URLSearchParams({
      client_id: url.searchParams.get("client_id")!,
      request_uri: url.searchParams.get("request_uri")!,
      did: did!,
      decision,
    }),
  });
  const back = new URL(answer.headers.get("location")!);
  return back.pathname + back.search;
}

describe("a log-in with an account of one's own", () => {
  test("leads a member's account to its page, and ends when it logs out", async () => {
    const { ask, logIn, post, jar } = browser();
    const operator = opened.sandbox.serve.core!.members.domain("alder.test");
    const answer = await logIn("alder.test", `/members/${operator!.did}`);
    expect([answer.status, answer.headers.get("location")]).toEqual([303, `/members/${operator!.did}`]);
    const secret = jar.get("atmos-session");
    expect((await ask(`/members/${operator!.did}`)).status).toBe(200);
    expect(await (await ask("/me")).text()).toContain("as owner");
    expect((await post("/logout", {})).status).toBe(200);
    jar.set("atmos-session", secret!);
    expect((await ask(`/members/${operator!.did}`)).status).toBe(403);
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
    expect((await logIn("ada.pds.test")).headers.get("location")).toBe("/me");
    const operator = opened.sandbox.serve.core!.members.domain("alder.test");
    expect((await ask(`/members/${operator!.did}`)).status).toBe(404);
    expect((await ask("/committee")).status).toBe(403);
    expect(await (await ask("/me")).text()).toContain("None yet");
  });

  test("goes on to no other site", async () => {
    const { logIn } = browser();
    expect((await logIn("ada.pds.test", "//evil.example/")).headers.get("location")).toBe("/me");
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
