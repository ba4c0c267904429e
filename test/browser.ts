import { expect } from "vitest";

/** What a browser says of a form of our own pages. */
export const OURS = { "sec-fetch-site": "same-origin" };

type Send = (url: string, init: RequestInit) => Response | Promise<Response>;

/** A browser with a jar for our cookies. `send`: how it reaches our pages. */
export function openBrowser(web: string, send: Send = fetch) {
  const jar = new Map<string, string>();
  async function ask(path: string, init: RequestInit = {}): Promise<Response> {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
    const answer = await send(new URL(path, web).href, {
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
export async function consent(
  url: URL,
  handle: string,
  decision: "allow" | "deny" = "allow",
): Promise<string> {
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
