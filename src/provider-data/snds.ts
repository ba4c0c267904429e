import { BlockList, isIP } from "node:net";
import { daysBetween } from "./days.ts";
import { ask, type Fetch } from "./http.ts";
import { readSndsReport, readSndsStatus, type BlockedRange } from "./snds-report.ts";
import type { Collected, Outcome, Subject } from "./types.ts";

export const SNDS_API = "https://substrate.office.com/ip-domain-management-snds";

/** Days in a row that failed, after which no more are asked for. */
const MOST_FAILURES = 3;

export type SndsOptions = { fetch: Fetch; accessToken: string; api?: string; now: number };

/** The report of each day `from` to `to`, of all addresses of the account. A day that is not there yet is a gap. */
export async function askSnds(options: SndsOptions, from: string, to: string): Promise<Outcome<Collected>> {
  const { fetch, accessToken, api = SNDS_API, now } = options;
  const init = { headers: { authorization: `Bearer ${accessToken}`, accept: "application/json, text/csv" } };
  const collected: Collected = { days: [], subjects: [], compliance: [], faults: [] };
  let answered = false;
  let failures = 0;
  for (const day of daysBetween(from, to)) {
    const answer = await ask(fetch, `${api}/api/report/data/${day}`, init, now);
    if (!answer.ok && answer.kind === "absent") {
      answered = true;
      failures = 0;
      continue;
    }
    const read = answer.ok ? readSndsReport(answer.value, day) : answer;
    if (read.ok) {
      answered = true;
      failures = 0;
      collected.days.push(...read.value);
      continue;
    }
    if (read.kind === "broken" || read.kind === "forbidden")
      return {
        ...read,
        kind: "broken",
        why: `${read.why}. Access to SNDS has to be confirmed anew about every ten months`,
      };
    collected.faults.push(`${day}: ${read.why}`);
    if (read.kind === "limited" || ++failures === MOST_FAILURES) break;
  }
  if (!answered)
    return { ok: false, kind: "unavailable", why: collected.faults[0] ?? "Microsoft has no report" };
  const status = await ask(fetch, `${api}/api/report/status/ip`, init, now);
  const blocked = status.ok ? readSndsStatus(status.value) : status;
  if (blocked.ok) markBlocked(collected, blocked.value);
  else if (blocked.kind !== "absent") collected.faults.push(`status of addresses: ${blocked.why}`);
  return { ok: true, value: withSubjects(collected) };
}

/** The report behind a link of the portal, as CSV. Such a link works for 30 days, and answers 404 then. */
export async function askSndsLink(fetch: Fetch, link: string, now: number): Promise<Outcome<Collected>> {
  const answer = await ask(fetch, link, { headers: { accept: "text/csv" } }, now);
  if (!answer.ok) {
    if (answer.kind !== "absent" && answer.kind !== "broken" && answer.kind !== "forbidden") return answer;
    return { ok: false, kind: "broken", why: `The report link has ended (${answer.why}): they last 30 days` };
  }
  const read = readSndsReport(answer.value, undefined);
  if (!read.ok) return read;
  return { ok: true, value: withSubjects({ days: read.value, subjects: [], compliance: [], faults: [] }) };
}

function withSubjects(collected: Collected): Collected {
  const subjects = [...new Set(collected.days.map(({ subject }) => subject))];
  return {
    ...collected,
    subjects: subjects.map((subject): Subject => ({ provider: "microsoft", kind: "address", subject })),
  };
}

/** The state of now belongs to the newest day of each address. */
function markBlocked({ days }: Collected, ranges: readonly BlockedRange[]): void {
  const newest = new Map<string, (typeof days)[number]>();
  for (const row of days) {
    const before = newest.get(row.subject);
    if (!before || row.day > before.day) newest.set(row.subject, row);
  }
  for (const row of newest.values()) {
    const range = ranges.find((one) => one.blocked && inRange(row.subject, one));
    row.figures["blocked"] = range !== undefined;
    if (range?.reason) row.figures["blocked_reason"] = range.reason;
  }
}

export function inRange(address: string, { from, to }: Pick<BlockedRange, "from" | "to">): boolean {
  const family = isIP(address) === 6 ? "ipv6" : "ipv4";
  if (isIP(from) !== isIP(address) || isIP(to) !== isIP(address)) return false;
  const list = new BlockList();
  try {
    list.addRange(from, to, family);
  } catch {
    return false;
  }
  return list.check(address, family);
}
