import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ConfigError } from "../platform/config/index.ts";
import { openShaping, type LiveShaping } from "./index.ts";

let dir: string;
let file: string;
let shaping: LiveShaping | undefined;
let looks: boolean[];
let logged: { level: number; msg: string; problems?: string[] }[];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "atmos-shaping-"));
  file = join(dir, "own.toml");
  looks = [];
  logged = [];
});
afterEach(async () => {
  await shaping?.close();
  shaping = undefined;
  rmSync(dir, { recursive: true });
});

async function open(
  options: { file?: string; named?: string[]; everyMs?: number } = {},
): Promise<LiveShaping> {
  const log = pino(
    { base: null },
    { write: (line: string) => void logged.push(JSON.parse(line) as (typeof logged)[0]) },
  );
  shaping = await openShaping({
    file: options.file,
    named: options.named ?? [],
    log,
    onLook: (sound) => looks.push(sound),
    everyMs: options.everyMs ?? 3_600_000,
  });
  return shaping;
}

const connections = (n: number) => `[provider.gmail]\nconnections = ${n}\n`;

describe("at the start", () => {
  test("without a file of the operator's the built-in one is in force", async () => {
    const live = await open();
    expect(live.limitsOf("gmail").connections).toBe(10);
    await live.check();
    expect(live.faults()).toEqual([]);
  });

  test.each<[string, string | undefined, RegExp]>([
    [
      "a faulty file",
      "[provider.gmail]\nconections = 3\nmx = []",
      /own\.toml:2: .*connections\?[^]*own\.toml:3: /,
    ],
    ["no file", undefined, /own\.toml cannot be read \(ENOENT\): mend it, or remove ATMOS_SHAPING_FILE/],
  ])("%s stops it, and all problems are named", async (_name, text, why) => {
    if (text !== undefined) writeFileSync(file, text);
    const error: unknown = await open({ file }).catch((err: unknown) => err);
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as ConfigError).message).toMatch(why);
  });

  test("limits of a provider that is none stop it; one of the operator's own is one", async () => {
    await expect(open({ named: ["gmail", "gmial"] })).rejects.toThrow(
      /ATMOS_PROVIDER_DAILY: "gmial" is no provider; did you mean gmail\?/,
    );
    writeFileSync(file, '[provider.mine]\nmx = ["mx.mine.example"]');
    expect((await open({ file, named: ["mine"] })).providers()).toContain("mine");
  });
});

describe("while it runs", () => {
  test("a changed file is taken without being asked", async () => {
    writeFileSync(file, connections(3));
    const live = await open({ file, everyMs: 10 });
    expect(live.limitsOf("gmail").connections).toBe(3);
    writeFileSync(file, connections(4));
    await expect.poll(() => live.limitsOf("gmail").connections).toBe(4);
    // As editors and tools do it: another file in its place.
    writeFileSync(join(dir, "new"), connections(5));
    renameSync(join(dir, "new"), file);
    await expect.poll(() => live.limitsOf("gmail").connections).toBe(5);
  });

  test("it is read at once when asked (SIGHUP), and what was asked before stays as it was", async () => {
    writeFileSync(file, connections(3));
    const live = await open({ file });
    const before = live.limitsOf("gmail");
    writeFileSync(file, connections(4));
    await live.check();
    expect(live.limitsOf("gmail").connections).toBe(4);
    expect(before.connections).toBe(3);
    expect(looks).toEqual([true, true]);
  });

  test("a faulty one is refused, told once, and the last good one stays until it is mended", async () => {
    writeFileSync(file, connections(3));
    const live = await open({ file, named: ["gmail"] });
    writeFileSync(file, "[provider.gmail]\nconnections = 0");
    await live.check();
    expect(live.limitsOf("gmail").connections).toBe(3);
    expect(live.faults()).toEqual([
      `${file}:2: provider.gmail.connections must be a whole number from 1 to 1000`,
    ]);
    expect(logged.at(-1)).toMatchObject({ level: 50, problems: live.faults() });
    expect(logged.at(-1)!.msg).toMatch(/refused; the last good one stays/);
    writeFileSync(file, connections(6));
    await live.check();
    expect(live.limitsOf("gmail").connections).toBe(6);
    expect(live.faults()).toEqual([]);
    expect(looks).toEqual([true, false, true]);
  });

  test("a faulty one that stays is told once, though it is looked at again and again", async () => {
    writeFileSync(file, connections(3));
    const live = await open({ file, everyMs: 5 });
    writeFileSync(file, "[nonsense");
    await expect.poll(() => looks.filter((sound) => !sound).length).toBeGreaterThan(3);
    expect(logged.filter(({ level }) => level === 50)).toHaveLength(1);
    expect(live.limitsOf("gmail").connections).toBe(3);
  });

  test("one that is gone is a fault, and the last good one stays", async () => {
    writeFileSync(file, connections(3));
    const live = await open({ file });
    rmSync(file);
    await live.check();
    expect(live.limitsOf("gmail").connections).toBe(3);
    expect(live.faults()).toEqual([expect.stringMatching(/cannot be read \(ENOENT\)/)]);
  });
});
