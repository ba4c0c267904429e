import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Envelope } from "../../src/event/index.ts";

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
type Data = { [name: string]: Json };
type Case = { action: string; data: Data };

const FIRST_ID = 1_456_255_638_429_499_392n;
const FIRST_TIME = Date.parse("2026-11-01T00:00:00Z");
// prettier-ignore
const STRANGE: Json[] = [
  null, true, false, 0, -1, 1, 0.5, 1.9, -0.1, 1e16, 1e21, 1e300, 2 ** 53, 2 ** 53 + 2, 123_456_789.123,
  "", "0", "12", "1.5", "true", "good", "probation", "bad-mailbox", "content", "première ☃ 🐦", "{X} {{y}}",
  "\ud800", "line\nline", "\u0000", [], [1], ["bad-mailbox"], {}, { a: 1 },
];

/** Numbers between 0 and 1 from a seed: mulberry32. */
function chance(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * The cases beside the rules as they are; then each number of a case set below, at and above each line of `settings.sml`;
 * then cases with some values changed at random, to numbers around the lines, to strange values, or left out: until there
 * are `count` or, where the first two parts are more, all of those.
 */
export async function makeEvents(rules: string, count: number, seed: number): Promise<Envelope[]> {
  const random = chance(seed);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
  const cases = await readCases(rules);
  const lines = await readLines(rules);
  const around = lines.flatMap((line) => {
    const step = Number.isInteger(line) ? 1 : 0.0001;
    return [line - step, line, line + step];
  });
  const made: Case[] = [...cases];
  for (const path of new Set(cases.flatMap(({ data }) => numbersOf(data)))) {
    const having = cases.filter(({ data }) => numbersOf(data).includes(path));
    for (const value of around) made.push(changed(pick(having), path, value));
  }
  const names = [...new Set(cases.map(({ action }) => action))];
  while (made.length < count) {
    let one = pick(cases);
    if (random() < 0.1) one = { ...one, action: pick([...names, "member_joined", "x"]) };
    const changes = 1 + Math.floor(random() * 4);
    for (let i = 0; i < changes; i++) {
      const what = random();
      if (what < 0.6) one = changed(one, pick(numbersOf(one.data)), pick(around));
      else if (what < 0.85) one = changed(one, pick(placesOf(one.data)), pick(STRANGE));
      else one = changed(one, pick(placesOf(one.data)), undefined);
    }
    made.push(one);
  }
  return made.map(({ action, data }, at) => toEnvelope(action, spread(data, at), at));
}

/** Cases are about one member; these come from forty, so that partitions have something to share. */
function spread(data: Data, at: number): Data {
  const member = data["member"];
  if (!isData(member) || member["did"] !== "did:plc:one") return data;
  return { ...data, member: { ...member, did: `did:plc:member${at % 40}` } };
}

function toEnvelope(action_name: string, data: Data, at: number): Envelope {
  const send_time = new Date(FIRST_TIME + at * 1_000).toISOString().replace(/Z$/, "250Z");
  const action_id = String(FIRST_ID + BigInt(at));
  const inner = { dedupe_key: `compare:${at}`, ...data };
  // As it is after the broker: 1.0 is 1.
  return JSON.parse(JSON.stringify({ send_time, data: { action_id, action_name, data: inner } })) as Envelope;
}

async function readCases(rules: string): Promise<Case[]> {
  const files = (await readdir(rules, { recursive: true })).filter((path) => path.endsWith(".cases.jsonl"));
  const texts = await Promise.all(files.sort().map((path) => readFile(join(rules, path), "utf8")));
  const lines = texts.flatMap((text) => text.split("\n").filter((line) => line.trim() !== ""));
  return lines.map((line) => {
    const { event } = JSON.parse(line) as { event: Data & { action_name: string } };
    const { action_name: action, action_id: _, send_time: __, ...data } = event;
    return { action, data };
  });
}

async function readLines(rules: string): Promise<number[]> {
  const text = await readFile(join(rules, "settings.sml"), "utf8");
  const found = [...text.matchAll(/^\w+: ExtractLiteral\[(?:int|float)\] = ([\d.]+)$/gm)];
  if (found.length === 0) throw new Error("settings.sml has no lines");
  return [...new Set(found.map(([, number]) => Number(number)))];
}

const isData = (value: Json | undefined): value is Data =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** `a.b.c` of everything that stands somewhere. */
const placesOf = (data: Data, before = ""): string[] =>
  Object.entries(data).flatMap(([name, value]) => [
    `${before}${name}`,
    ...(isData(value) ? placesOf(value, `${before}${name}.`) : []),
  ]);

const at = (data: Data, path: string): Json | undefined =>
  path.split(".").reduce<Json | undefined>((inner, name) => (isData(inner) ? inner[name] : undefined), data);

function numbersOf(data: Data): string[] {
  return placesOf(data).filter((path) => typeof at(data, path) === "number");
}

/** A copy with another value at the path; undefined takes it out. */
function changed({ action, data }: Case, path: string | undefined, value: Json | undefined): Case {
  if (path === undefined) return { action, data };
  const copy = structuredClone(data);
  const names = path.split(".");
  const last = names.pop()!;
  const inner = names.length === 0 ? copy : at(copy, names.join("."));
  if (isData(inner)) {
    if (value === undefined) delete inner[last];
    else inner[last] = value;
  }
  return { action, data: copy };
}
