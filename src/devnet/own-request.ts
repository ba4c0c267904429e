import type { Context } from "hono";

/** Whether a form comes from a page of the host that it is sent to: as the browser says, or as its origin says. */
export function isOwnRequest(c: Context): boolean {
  const site = c.req.header("sec-fetch-site");
  if (site !== undefined) return site === "same-origin";
  return URL.parse(c.req.header("origin") ?? "")?.host === c.req.header("host");
}
