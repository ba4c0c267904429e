import { isIP } from "node:net";
import { parseCsv } from "./csv.ts";
import { dayName, isDay } from "./days.ts";
import type { DayFigures, Figures, Outcome } from "./types.ts";

/**
 * Reports of Microsoft's Smart Network Data Services, as JSON or as CSV. Columns are known by their names, in any order,
 * in any way of writing them (`IpAddress`, `ip_address`, `IP Address`); those that are absent are no figures. Since
 * 2026-07-22 there are no hits of spam traps any more.
 */
const COLUMNS = {
  ip: ["ip address", "ip", "beginning ip address"],
  day: ["activity start", "activity period", "activity period start", "date", "report date"],
  rcpt: ["rcpt commands"],
  data: ["data commands", "data"],
  recipients: ["message recipients"],
  filter: ["filter result", "overall status"],
  complaints: ["complaint rate", "complaint percent"],
  traps: ["trap hits", "spam trap hits"],
} as const;
type Column = keyof typeof COLUMNS;

/** The old link had no names: fourteen columns in this order. */
const OLD_ORDER = [
  "IP Address",
  "Activity start",
  "Activity end",
  "RCPT commands",
  "DATA commands",
  "Message recipients",
  "Filter result",
  "Complaint rate",
  "Trap message start",
  "Trap message end",
  "Trap hits",
  "Sample HELO",
  "Sample MAIL FROM",
  "Comments",
] as const;

const MOST_RECORDS = 20_000;

/** Rows by address and day. `day`: that of the report that was asked for, where its rows name none. */
export function readSndsReport(text: string, day: string | undefined): Outcome<DayFigures[]> {
  const records = recordsOf(text);
  if (!records.ok) return records;
  const found = new Map<string, DayFigures>();
  let read = 0;
  for (const record of records.value) {
    const row = dayFigures(record, day);
    if (!row) continue;
    read++;
    // An address may have several periods of one day: counts add up, of a verdict the worst stays.
    const key = `${row.subject} ${row.day}`;
    const before = found.get(key);
    found.set(key, before ? { ...row, figures: both(before.figures, row.figures) } : row);
  }
  if (read === 0 && records.value.length > 0)
    return malformed("Its rows name no address and day: Microsoft may have changed the names of the columns");
  return { ok: true, value: [...found.values()] };
}

/** `blocked` by range of addresses. */
export type BlockedRange = { from: string; to: string; blocked: boolean; reason: string };

export function readSndsStatus(text: string): Outcome<BlockedRange[]> {
  const records = recordsOf(text);
  if (!records.ok) return records;
  const ranges = records.value.flatMap((record) => {
    const from = pick(record, ["beginning ip address", "ip address", "ip", "first ip"]);
    const to = pick(record, ["ending ip address", "last ip"]) || from;
    const blocked = pick(record, ["blocked", "is blocked"]).toLowerCase();
    const reason = pick(record, ["reason", "details", "comments"]).slice(0, 300);
    if (isIP(from) === 0 || isIP(to) === 0) return [];
    return [{ from, to, blocked: ["true", "yes", "1"].includes(blocked), reason }];
  });
  return { ok: true, value: ranges };
}

type Cells = Map<string, string>;

function recordsOf(text: string): Outcome<Cells[]> {
  const start = text.trimStart();
  if (start === "") return { ok: true, value: [] };
  if (start.startsWith("<"))
    return malformed("Microsoft answered with a page instead of a report: the link or the login has ended");
  return start.startsWith("[") || start.startsWith("{") ? ofJson(start) : ofCsv(text);
}

function ofJson(text: string): Outcome<Cells[]> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return malformed("Microsoft answered something that is no JSON");
  }
  const list = Array.isArray(value)
    ? value
    : Object.values(value as Record<string, unknown>).find((one): one is unknown[] => Array.isArray(one));
  if (!list) return malformed("There is no list in Microsoft's answer");
  const records = list.slice(0, MOST_RECORDS).flatMap((one) => {
    if (typeof one !== "object" || one === null) return [];
    return [new Map(Object.entries(one).map(([name, v]) => [plainName(name), scalar(v)] as const))];
  });
  return { ok: true, value: records };
}

function ofCsv(text: string): Outcome<Cells[]> {
  const rows = parseCsv(text);
  const first = rows?.[0];
  if (!rows || !first) return malformed("Microsoft's report is no CSV that can be read");
  const names = first.map(plainName);
  const named = names.some(
    (name) => name === "ip address" || name === "ip" || name === "beginning ip address",
  );
  if (named) return { ok: true, value: rows.slice(1).map((row) => recordOf(names, row)) };
  if (first.length === OLD_ORDER.length && isIP(first[0]!.trim()) !== 0)
    return { ok: true, value: rows.map((row) => recordOf(OLD_ORDER.map(plainName), row)) };
  return malformed("The first line of Microsoft's report does not name an address");
}

const recordOf = (names: readonly string[], row: readonly string[]): Cells =>
  new Map(names.map((name, i) => [name, (row[i] ?? "").trim()]));

/** `IpAddress`, `ip_address` and `IP Address` are one name. */
export function plainName(name: string): string {
  return name
    .replace(/^\uFEFF/, "")
    .replaceAll(/([a-z\d])([A-Z])/g, "$1 $2")
    .replaceAll(/([A-Z]+)([A-Z][a-z])/g, "$1 $2")
    .replaceAll(/[\s_-]+/g, " ")
    .trim()
    .toLowerCase();
}

const scalar = (value: unknown): string =>
  typeof value === "string"
    ? value.trim()
    : typeof value === "number" || typeof value === "boolean"
      ? String(value)
      : "";

const pick = (record: Cells, names: readonly string[]): string =>
  names.map((name) => record.get(name)).find((value) => value !== undefined && value !== "") ?? "";

function dayFigures(record: Cells, asked: string | undefined): DayFigures | undefined {
  const of = (column: Column) => pick(record, COLUMNS[column]);
  const ip = of("ip");
  const day = asked ?? dayOf(of("day"));
  if (isIP(ip) === 0 || day === undefined) return undefined;
  const figures: Figures = {};
  for (const [name, column] of [
    ["rcpt_commands", "rcpt"],
    ["data_commands", "data"],
    ["recipients", "recipients"],
    ["trap_hits", "traps"],
  ] as const) {
    const n = of(column);
    if (/^\d{1,12}$/.test(n)) figures[name] = Number(n);
  }
  const filter = of("filter").toLowerCase();
  if (["green", "yellow", "red"].includes(filter)) figures["filter"] = filter;
  Object.assign(figures, complaintRate(of("complaints")));
  return { provider: "microsoft", kind: "address", subject: ip, day, figures };
}

/** `< 0.1%` is a bound and no figure; `0.3%` is one. */
export function complaintRate(text: string): Figures {
  const match = /^(<)?\s*(\d{1,3}(?:\.\d+)?)\s*%?$/.exec(text.trim());
  if (!match) return {};
  const share = Number((Number(match[2]) / 100).toFixed(6));
  return match[1] ? { complaint_rate_below: share } : { complaint_rate: share };
}

/** `6/1/2026 1:00 AM` as Microsoft writes it (the day is Pacific), or ISO 8601. */
export function dayOf(text: string): string | undefined {
  const iso = /^(\d{4}-\d{2}-\d{2})/.exec(text)?.[1];
  if (iso !== undefined) return isDay(iso) ? iso : undefined;
  const us = /^(\d{1,2})\/(\d{1,2})\/(\d{4})\b/.exec(text);
  if (!us) return undefined;
  const [month, date] = [Number(us[1]), Number(us[2])];
  const day = dayName(Date.UTC(Number(us[3]), month - 1, date));
  return day === `${us[3]}-${String(month).padStart(2, "0")}-${String(date).padStart(2, "0")}`
    ? day
    : undefined;
}

const WORST = ["green", "yellow", "red"];

function both(a: Figures, b: Figures): Figures {
  const joined: Figures = { ...a, ...b };
  for (const name of ["rcpt_commands", "data_commands", "recipients", "trap_hits"])
    if (typeof a[name] === "number" && typeof b[name] === "number") joined[name] = a[name] + b[name];
  for (const name of ["complaint_rate", "complaint_rate_below"])
    if (typeof a[name] === "number" && typeof b[name] === "number") joined[name] = Math.max(a[name], b[name]);
  if (joined["complaint_rate"] !== undefined) delete joined["complaint_rate_below"];
  const filters = [a["filter"], b["filter"]].filter((one) => typeof one === "string");
  if (filters.length === 2)
    joined["filter"] = filters.reduce((x, y) => (WORST.indexOf(y) > WORST.indexOf(x) ? y : x));
  return joined;
}

const malformed = (why: string) => ({ ok: false, kind: "malformed", why }) as const;
