import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterEach, describe, expect, test } from "vitest";
import { loadRules } from "../src/rules/index.ts";
import { hashOf } from "../src/rules/rule-set.ts";

/* The plugin for Osprey's workers (osprey/): what of it needs no Osprey. */

const plugin = resolve(import.meta.dirname, "../osprey");
const python = (...args: string[]) =>
  promisify(execFile)("python3", args, {
    cwd: plugin,
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: "1" },
  });

test("its own tests pass, and none is skipped", async () => {
  const { stderr } = await python("-m", "unittest", "discover", "-t", ".", "-s", "tests");
  const [, ran] = /^Ran (\d+) tests? in /m.exec(stderr) ?? [];
  expect(Number(ran)).toBeGreaterThan(0);
  expect(stderr.trimEnd().split("\n").at(-1)).toBe("OK");
});

describe("the hash of the rules is the engine's", () => {
  const directories: string[] = [];
  afterEach(() =>
    Promise.all(directories.splice(0).map((path) => rm(path, { recursive: true, force: true }))),
  );

  async function directory(files: Record<string, string>): Promise<string> {
    const root = await mkdtemp(join(tmpdir(), "atmos-rules-"));
    directories.push(root);
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(root, path)), { recursive: true });
      await writeFile(join(root, path), text);
    }
    return root;
  }

  const CODE =
    "import sys; from atmos_osprey.rules import *; told = write_for_osprey(sys.argv[1], sys.argv[2]); assert told == hash_of(load_rules(sys.argv[1])); print(told)";

  async function expectSame(rules: string): Promise<void> {
    const { stdout } = await python("-c", CODE, rules, join(await directory({}), "out"));
    expect(stdout.trim()).toBe(hashOf(await loadRules(rules)));
  }

  test("of the shipped rules", () => expectSame(resolve(plugin, "../rules")));

  const main = "ActionName = GetActionName()\n";
  const label = { valid_for: ["Member"] };
  const cases: [string, Record<string, string>][] = [
    ["one file", { "main.sml": main }],
    ["nothing in it", { "main.sml": "" }],
    ["files below", { "main.sml": main, "a/b.sml": "B = 1\n", "a.sml": "", "a-b.sml": "" }],
    ["names beyond ASCII, by UTF-16", { "main.sml": main, "～.sml": "1", "🐦.sml": "2", "é.sml": "3" }],
    [
      "every odd character",
      { "main.sml": '# \u0000\u0007\b\t\n\f\r\u001f"\\/\u007f\u0080\u2028\u2029\ufffd🐦é\r\n' },
    ],
    ["a byte order mark", { "main.sml": `\ufeff${main}` }],
    ["two byte order marks", { "main.sml": `\ufeff\ufeff${main}` }],
    [
      "labels with what they leave out",
      { "main.sml": main, "labels.json": JSON.stringify({ b: label, a: label }) },
    ],
    [
      "labels with all, and more",
      {
        "main.sml": main,
        "labels.json": JSON.stringify({
          a: { description: "d", connotation: "positive", valid_for: ["Member", "Domain"], other: 1 },
        }),
      },
    ],
    [
      "null in labels",
      {
        "main.sml": main,
        "labels.json": '{"a": {"valid_for": [], "connotation": null, "description": null}}',
      },
    ],
    [
      "half a character in labels",
      {
        "main.sml": main,
        "labels.json": '{"a": {"valid_for": ["\\ud83d"], "description": "\\uDC26 \\ud83d\\udc26"}}',
      },
    ],
    ["no labels", { "main.sml": main, "labels.json": "{}" }],
    [
      "names that look like numbers",
      { "main.sml": main, "labels.json": JSON.stringify({ b: label, 10: label, 9: label }) },
    ],
    ["a shadow", { "main.sml": main, "shadow.json": '{"rules": ["B", "A", "a"], "labels": ["🐦", "～"]}' }],
    ["half a shadow", { "main.sml": main, "shadow.json": '{"labels": ["a"]}' }],
    ["an empty shadow", { "main.sml": main, "shadow.json": "{}" }],
    ["shadow and labels elsewhere", { "main.sml": main, "a/labels.json": "x", "a/shadow.json": "x" }],
  ];
  test.each(cases)("of %s", async (_name, files) => expectSame(await directory(files)));
});
