import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, test } from "vitest";

/** The house plan (docs/architecture.md): a room may use those on lower floors, and modules only each other's face. */
const FLOORS: string[][] = [
  ["lib"],
  ["protocol"],
  ["platform"],
  [
    "member",
    "attestation",
    "label",
    "policy",
    "breaker",
    "spool",
    "transport",
    "shaping",
    "egress",
    "tls-report",
    "relay",
    "feedback",
    "report",
    "provider-data",
    "inbox",
    "suppression",
    "event",
    "evidence",
    "rules",
    "standing",
    "notice",
    "account",
    "webhook",
    "timing",
    "test-mail",
    "allowlist",
    "node",
    "lease",
    "governance",
    "dues",
  ],
  ["web"],
  ["roles"],
  ["devnet"],
  ["cli"],
];
const MODULES = new Set(FLOORS[3]);
const src = resolve(import.meta.dirname, "../src");

type Import = { from: string; fromRoom: string; to: string; toRoom: string; names: string };

const floorOf = (room: string) => FLOORS.findIndex((rooms) => rooms.includes(room));
const roomOf = (path: string) => path.split("/")[0]!;

function files(): string[] {
  return readdirSync(src, { recursive: true, encoding: "utf8" }).filter((f) => /\.tsx?$/.test(f));
}

function importsOf(file: string): { relative: Import[]; packages: string[] } {
  const text = readFileSync(join(src, file), "utf8");
  const found = [
    ...text.matchAll(/(?:^|\n)\s*(?:import|export)\s[^;"'()]*?["']([^"']+)["']|import\(\s*["']([^"']+)["']/g),
  ];
  const pure = /\bimport (type .*|\{ (isIP(v[46])?(, )?)+ \}) from/;
  const specifiers = found.filter((m) => !pure.test(m[0]) || m[1]?.startsWith(".")).map((m) => m[1] ?? m[2]!);
  return {
    packages: specifiers.filter((s) => !s.startsWith(".")),
    relative: specifiers
      .filter((s) => s.startsWith("."))
      .map((s) => {
        const to = relative(src, resolve(dirname(join(src, file)), s));
        return { from: file, fromRoom: roomOf(file), to, toRoom: roomOf(to), names: s };
      }),
  };
}

/** Faults of one import, in words. Tests may look into their own neighbours' faces only, as the code does. */
export function fault({
  from,
  fromRoom,
  to,
  toRoom,
}: Pick<Import, "from" | "fromRoom" | "to" | "toRoom">): string | undefined {
  if (fromRoom === toRoom) return undefined;
  const [up, down] = [floorOf(fromRoom), floorOf(toRoom)];
  if (up < 0) return `${from}: the room "${fromRoom}" is not in the plan`;
  if (down < 0) return `${from}: "${to}" is in no room of the plan`;
  if (down > up) return `${from} reaches up to ${to}`;
  if (MODULES.has(toRoom) && !/^[^/]+\/index\.tsx?$/.test(to))
    return `${from} goes past the face of ${toRoom}: ${to}`;
  return undefined;
}

describe("the direction of dependencies", () => {
  const all = files().flatMap((file) => importsOf(file).relative);

  test("there is something to check", () => expect(all.length).toBeGreaterThan(50));

  test("nothing reaches up, and modules are used through their index", () => {
    expect(all.map(fault).filter(Boolean)).toEqual([]);
  });

  test("modules have no circles among themselves", () => {
    const uses = new Map<string, Set<string>>();
    for (const { fromRoom, toRoom, from } of all) {
      if (fromRoom === toRoom || !MODULES.has(fromRoom) || !MODULES.has(toRoom) || from.includes(".test."))
        continue;
      uses.set(fromRoom, (uses.get(fromRoom) ?? new Set()).add(toRoom));
    }
    const circle = (room: string, path: string[]): string[] | undefined => {
      if (path.includes(room)) return [...path, room];
      for (const next of uses.get(room) ?? []) {
        const found = circle(next, [...path, room]);
        if (found) return found;
      }
      return undefined;
    };
    expect(
      [...uses.keys()]
        .map((room) => circle(room, []))
        .find(Boolean)
        ?.join(" -> "),
    ).toBeUndefined();
  });

  test("lib and protocol do no input or output", () => {
    const io =
      /^(node:(fs|net|tls|http|https|dgram|dns|child_process|worker_threads|sqlite)(\/|$)|pino$|prom-client$|hono|ws$|nodemailer|smtp-server$)/;
    const guilty = files()
      .filter((f) => /^(lib|protocol)\//.test(f) && !f.includes(".test."))
      .flatMap((f) =>
        importsOf(f)
          .packages.filter((p) => io.test(p))
          .map((p) => `${f} imports ${p}`),
      );
    expect(guilty).toEqual([]);
  });

  test("only platform/config and the command line read the environment", () => {
    const guilty = files().filter(
      (f) =>
        !/^(platform\/config|cli)\//.test(f) &&
        !f.includes(".test.") &&
        /process\.env/.test(readFileSync(join(src, f), "utf8")),
    );
    expect(guilty).toEqual([]);
  });

  test("each table is named in the SQL of the module that owns it alone", () => {
    const owners = new Map<string, string>();
    const code = files().filter((f) => !f.includes(".test.") && !f.startsWith("protocol/"));
    for (const file of code) {
      for (const m of readFileSync(join(src, file), "utf8").matchAll(
        /CREATE TABLE (?:IF NOT EXISTS )?(\w+)/g,
      )) {
        owners.set(m[1]!, roomOf(file));
      }
    }
    expect(owners.size).toBeGreaterThan(10);
    const guilty: string[] = [];
    for (const file of code) {
      for (const m of readFileSync(join(src, file), "utf8").matchAll(
        /\b(?:FROM|INTO|UPDATE|JOIN) ([a-z_]+)\b/g,
      )) {
        const owner = owners.get(m[1]!);
        if (owner && owner !== roomOf(file)) guilty.push(`${file} names ${m[1]} of ${owner}`);
      }
    }
    expect(guilty).toEqual([]);
  });
});

describe("the check itself sees", () => {
  test.each([
    ["a module that uses the web", "relay/a.ts", "web/app.ts", /reaches up/],
    ["the library that uses the platform", "lib/a.ts", "platform/log.ts", /reaches up/],
    ["past a face", "web/a.ts", "member/store.ts", /past the face/],
    ["an unknown room", "web/a.ts", "attic/index.ts", /no room/],
  ])("%s", (_, from, to, why) => {
    expect(fault({ from, fromRoom: roomOf(from), to, toRoom: roomOf(to) })).toMatch(why);
  });
});
