import type { Failure, Outcome } from "./types.ts";

/** As `createSafeFetch` of the platform makes it: bounded in size and time, without redirects. */
export type Fetch = (url: string | URL, init?: RequestInit) => Promise<Response>;

const LONGEST_WAIT_MS = 24 * 3_600_000;
const SHOWN = 300;

/** One request; every way in which it can fail is a value. `now`: ms since the epoch, for a `Retry-After` with a date. */
export async function ask(
  fetch: Fetch,
  url: string | URL,
  init: RequestInit,
  now: number,
): Promise<Outcome<string>> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, init);
    text = await response.text();
  } catch (error) {
    return { ok: false, kind: "unavailable", why: `${hostOf(url)}: ${causeOf(error)}` };
  }
  if (response.ok) return { ok: true, value: text };
  return failureOf(response, text, hostOf(url), now);
}

/** The same, and what it says as JSON. */
export async function askJson(
  fetch: Fetch,
  url: string | URL,
  init: RequestInit,
  now: number,
): Promise<Outcome<unknown>> {
  const answer = await ask(fetch, url, init, now);
  if (!answer.ok) return answer;
  try {
    return { ok: true, value: JSON.parse(answer.value) as unknown };
  } catch {
    return { ok: false, kind: "malformed", why: `${hostOf(url)} answered something that is no JSON` };
  }
}

function failureOf({ status, headers }: Response, text: string, host: string, now: number): Failure {
  const why = `${host} answered ${status}${messageOf(text)}`;
  const wait = retryAfter(headers.get("retry-after"), now);
  const retry = wait !== undefined && { retryAfterMs: wait };
  if (status === 401) return { ok: false, kind: "broken", why };
  if (status === 403) return { ok: false, kind: "forbidden", why };
  if (status === 404 || status === 410) return { ok: false, kind: "absent", why };
  if (status === 429) return { ok: false, kind: "limited", why, ...retry };
  return { ok: false, kind: status >= 500 || status === 408 ? "unavailable" : "malformed", why, ...retry };
}

/** The words of Google's and OAuth's errors; other bodies are left out. */
function messageOf(text: string): string {
  try {
    const body = JSON.parse(text) as {
      error?: { message?: unknown } | string;
      error_description?: unknown;
    } | null;
    const said =
      body?.error_description ?? (typeof body?.error === "string" ? body.error : body?.error?.message);
    return typeof said === "string" ? `: ${said.replaceAll(/\s+/g, " ").slice(0, SHOWN)}` : "";
  } catch {
    return "";
  }
}

/** RFC 9110 section 10.2.3: seconds or a date. */
function retryAfter(value: string | null, now: number): number | undefined {
  if (value === null) return undefined;
  const ms = /^\d+$/.test(value.trim()) ? Number(value) * 1000 : Date.parse(value) - now;
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), LONGEST_WAIT_MS) : undefined;
}

const hostOf = (url: string | URL) => new URL(url).host;

function causeOf(error: unknown): string {
  const { name, message, cause } = error as Error;
  const inner = cause instanceof Error ? `: ${cause.message}` : "";
  return `${name === "TimeoutError" ? "no answer in time" : message}${inner}`.slice(0, SHOWN);
}
