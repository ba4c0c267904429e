import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { CommandError } from "../src/cli/output.ts";
import { explainAction } from "../src/cli/rules/explain.ts";
import { replay } from "../src/cli/rules/replay.ts";
import { list, reload, status } from "../src/cli/rules/running.ts";
import type { Sandbox } from "../src/devnet/index.ts";
import { openSandbox } from "./open-sandbox.ts";

const root = join(import.meta.dirname, "..");
const main = join(root, "src/cli/main.ts");
let dir: string;
beforeAll(() => void (dir = mkdtempSync(join(tmpdir(), "atmos-rules-"))));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function atmos(args: readonly string[], input = ""): Promise<{ code: number; out: string; err: string }> {
  const execArgv = ["--no-memory-protection-keys", main, "rules"];
  return new Promise((done) => {
    const child = execFile(process.execPath, [...execArgv, ...args], { cwd: dir }, (error, out, err) =>
      done({ code: error ? Number(error.code) : 0, out, err }),
    );
    child.stdin?.end(input);
  });
}

/** A directory of its own with these files. */
function directory(files: Record<string, string | Uint8Array>): string {
  const path = mkdtempSync(join(dir, "set-"));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), content);
  }
  return path;
}

function file(content: string): string {
  const path = join(mkdtempSync(join(dir, "file-")), "x.jsonl");
  writeFileSync(path, content);
  return path;
}

const linesOf = (out: string) =>
  out
    .trim()
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record<string, unknown>);

const TWO = `N: Optional[int] = JsonData(path="$.n", required=False)
Member: Entity[str] = EntityJson(type="Member", path="$.did")
IsTwo = Rule(when_all=[N == 2], description="two of them")
`;
const SPLIT = { "main.sml": 'Require(rule="any where/a-b.sml")\n', "any where/a-b.sml": TWO };
const LABELLED =
  `${TWO}WhenRules(rules_any=[IsTwo], then=[LabelAdd(entity=Member, label="seen", apply_if=None)])\n`.replace(
    ", apply_if=None",
    "",
  );
const LABELS = JSON.stringify({
  seen: { valid_for: ["Member"], connotation: "neutral", description: "It was seen." },
});
const event = (n: unknown, id: number | string = 1) =>
  JSON.stringify({
    action_id: id,
    action_name: "x",
    send_time: "2026-01-01T00:00:00Z",
    data: { n, did: "did:a" },
  });

describe("atmos rules validate", () => {
  test.each<[string, Record<string, string | Uint8Array>, RegExp]>([
    [
      "broken text",
      { "main.sml": "A = 1\nB = A +* 2\n" },
      /main\.sml:2:8: .*\n {2}\| B = A \+\* 2\n {2}\| +\^/,
    ],
    ["no main.sml", { "other.sml": "A = 1\n" }, /there is no `main\.sml`/],
    ["a label that is not configured", { "main.sml": LABELLED }, /the label "seen"/],
    [
      "a label that is configured for others",
      { "main.sml": LABELLED, "labels.json": LABELS.replace("Member", "Domain") },
      /label-not-valid-for-entity/,
    ],
    ["bytes", { "main.sml": new Uint8Array([0xff, 0xfe, 0]) }, /main\.sml: the file is not UTF-8/],
    ["2 MB", { "main.sml": "#".repeat(2_000_000) }, /main\.sml: the file is larger than/],
    ["no rule file", { "main.txt": "" }, /there is no rule file/],
    ["labels that are none", { "main.sml": TWO, "labels.json": "[" }, /labels\.json: .*JSON/],
    ["shadow of nothing", { "main.sml": TWO, "shadow.json": '{"rules":["IsTow"]}' }, /did you mean IsTwo\?/],
  ])("%s: exit 1, with the place", async (_name, files, message) => {
    const { code, out, err } = await atmos(["validate", directory(files)]);
    expect(code).toBe(1);
    expect(out + err).toMatch(message);
  });

  test("a directory that is not there", async () => {
    const { code, out, err } = await atmos(["validate", join(dir, "none"), "--json"]);
    expect(code).toBe(1);
    expect(err).toMatch(/cannot be read/);
    expect(JSON.parse(out)).toMatchObject({ valid: false, diagnostics: [] });
  });

  test("files of any names, without labels.json; --json", async () => {
    const { code, out } = await atmos(["validate", directory(SPLIT), "--json"]);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ valid: true, files: 2, rules: 1, diagnostics: [] });
    const bad = await atmos(["validate", directory({ "main.sml": "A = B\n" }), "--json"]);
    expect(bad.code).toBe(1);
    expect(JSON.parse(bad.out)).toMatchObject({
      valid: false,
      diagnostics: [{ file: "main.sml", line: 1, column: 5, kind: "unknown-name" }],
    });
  });

  test("labels of another file", async () => {
    const labels = file(LABELS);
    const path = directory({ "main.sml": LABELLED });
    expect((await atmos(["validate", path, "--labels-config", labels])).code).toBe(0);
  });

  test("the shipped rules are right", async () => {
    expect((await atmos(["validate", join(root, "rules")])).code).toBe(0);
  });
});

describe("atmos rules eval", () => {
  test("a line for each event, from a file or a pipe, in both forms of an event; a large id keeps its digits", async () => {
    const envelope = JSON.stringify({
      send_time: "2026-01-01T00:00:00Z",
      data: { action_id: "7", action_name: "x", data: { n: 3, did: "did:b" } },
    });
    const text = `${event(2)}\n\n${envelope}\n${event(2).replace('"action_id":1', '"action_id":1456255638429499393')}\n`;
    const path = directory(SPLIT);
    const { code, out } = await atmos(["eval", path, "--events", file(text), "--json"]);
    expect(code).toBe(0);
    expect(linesOf(out)).toEqual([
      {
        action_id: 1,
        features: { N: 2, Member: "did:a", IsTwo: true },
        types: { N: "int", Member: "entity", IsTwo: "bool" },
        error_count: 0,
        label_effects: [],
        verdicts: [],
        fired_rules: ["IsTwo"],
        descriptions: { IsTwo: { template: "two of them", values: {} } },
      },
      expect.objectContaining({ action_id: "7", fired_rules: [] }),
      expect.objectContaining({ action_id: "1456255638429499393", fired_rules: ["IsTwo"] }),
    ]);
    expect((await atmos(["eval", path, "--events", "-", "--json"], text)).out).toBe(out);
  });

  test("lines that are no events are said, and the others are judged", async () => {
    const text = [event(2), "{", '{"a":1}', event(2).replace("2026-01-01T", "yesterday "), event(3)].join(
      "\n",
    );
    const { code, out } = await atmos(["eval", directory(SPLIT), "--events", file(text), "--json"]);
    expect(code).toBe(1);
    expect(linesOf(out).map((line) => line["line"] ?? line["fired_rules"])).toEqual([["IsTwo"], 2, 3, 4, []]);
  });

  test("labels that stand before the event", async () => {
    const rules = `${TWO}Was = Rule(when_all=[HasLabel(entity=Member, label="seen")], description="was seen")\n`;
    const reasons = { r: { created_at: "2025-01-01T00:00:00Z", expires_at: null } };
    const existing = file(JSON.stringify({ "Member/did:a": { seen: { status: "added", reasons } } }));
    const path = directory({ "main.sml": rules, "labels.json": LABELS });
    const args = ["eval", path, "--events", "-", "--json"];
    const [without] = linesOf((await atmos(args, event(1))).out);
    const [given] = linesOf((await atmos([...args, "--existing-labels", existing], event(1))).out);
    expect([without!["fired_rules"], given!["fired_rules"]]).toEqual([[], ["Was"]]);
  });

  test("cases: what this engine found, one line each", async () => {
    const rule = 'A = 1\nR = Rule(when_all=[A == 1], description="r")\n';
    const good = {
      name: "good",
      files: { "main.sml": rule },
      labels_config: null,
      events: [JSON.parse(event(1))],
    };
    const bad = { ...good, name: "bad", files: { "main.sml": "A = B\n" } };
    const text = [good, bad].map((one) => JSON.stringify(one)).join("\n");
    const { code, out } = await atmos(["eval", "--cases", file(text), file(JSON.stringify(good))]);
    expect(code).toBe(0);
    const [first, second, third] = linesOf(out);
    expect(first).toMatchObject({ name: "good", expect: [{ fired_rules: ["R"] }] });
    expect(second).toEqual({
      name: "bad",
      expect_invalid: [{ file: "main.sml", line: 1, kind: "unknown-name" }],
    });
    expect(third).toEqual(first);
    const broken = await atmos(["eval", "--cases", file('{"name":"x"}')]);
    expect([broken.code, linesOf(broken.out)[0]]).toEqual([
      1,
      { name: "x", line: 1, error: expect.stringContaining("files") as string },
    ]);
  });

  test.each([
    ["rules that are not right", () => ["eval", directory({ "main.sml": "A = B\n" }), "--events", "-"], 1],
    ["no such file of events", () => ["eval", directory(SPLIT), "--events", join(dir, "none")], 1],
    ["neither events nor cases", () => ["eval", directory(SPLIT)], 2],
    ["no such command", () => ["evaluate"], 2],
  ])("%s", async (_name, args, code) => {
    const answer = await atmos(args());
    expect([answer.code, answer.err !== ""]).toEqual([code, true]);
  });
});

describe("atmos rules test", () => {
  const cases = (lines: readonly unknown[]) => lines.map((line) => JSON.stringify(line)).join("\n");
  const fires = { name: "two", event: { action_name: "x", n: 2, did: "did:a" }, fired: ["IsTwo"] };
  const silent = { name: "three", why: "Three are not two.", event: { action_name: "x", n: 3 }, fired: [] };
  const set = (lines: readonly unknown[], more: Record<string, string> = {}) =>
    directory({ "main.sml": LABELLED, "labels.json": LABELS, "sub/x.cases.jsonl": cases(lines), ...more });

  test("all as they should be", async () => {
    const path = set([{ ...fires, labels: ["Member/did:a/seen"], values: { N: 2 } }, silent]);
    const { code, out } = await atmos(["test", path, "--strict"]);
    expect([code, out]).toEqual([0, "2 of 2 cases are as they should be.\n"]);
  });

  test("in shadow a rule fires, and does nothing", async () => {
    const shadow = { "shadow.json": '{"rules":["IsTwo"]}' };
    const path = set([{ ...fires, fired: [], labels: [], shadow: ["IsTwo"] }], shadow);
    expect((await atmos(["test", path])).code).toBe(0);
  });

  test.each<[string, unknown, RegExp]>([
    ["a rule too few", { ...silent, fired: ["IsTwo"] }, /- IsTwo \(expected[\s\S]*no +N == 2\n.*N=3/],
    ["a rule too many", { ...fires, fired: [] }, /\+ IsTwo \(found[\s\S]*yes +N == 2/],
    [
      "another label",
      { ...fires, labels: ["Member/did:b/seen"] },
      /- Member\/did:b\/seen[\s\S]*\+ Member\/did:a\/seen/,
    ],
    ["another value", { ...fires, values: { N: 3 } }, /N: expected 3, found 2/],
    ["a case of another shape", { name: "x", even: {} }, /sub\/x\.cases\.jsonl:1/],
  ])("%s: exit 1, with the difference and why", async (_name, one, message) => {
    const { code, out } = await atmos(["test", set([one])]);
    expect(code).toBe(1);
    expect(out).toMatch(message);
  });

  test("a rule that gives no answer fails a case, also one that wants it silent", async () => {
    const rules = 'M: int = JsonData(path="$.m")\nHigh = Rule(when_all=[M > 3], description="high")\n';
    const lines = [{ name: "none", event: { action_name: "x" }, fired: [] }];
    const { code, out } = await atmos(["test", set(lines, { "main.sml": rules })]);
    expect([code, out]).toEqual([1, expect.stringMatching(/High gave no answer: main\.sml:1: /)]);
  });

  test("rules that no case tries are named; with --strict they fail", async () => {
    const path = set([silent]);
    const { code, out } = await atmos(["test", path]);
    expect([code, out]).toEqual([0, expect.stringContaining("No case fires IsTwo.")]);
    expect((await atmos(["test", path, "--strict"])).code).toBe(1);
    expect((await atmos(["test", directory(SPLIT)])).code).toBe(1);
  });

  test("the shipped rules do what their cases say", async () => {
    expect((await atmos(["test", join(root, "rules")])).code).toBe(0);
  });
});

describe("beside a running core", () => {
  let sandbox: Sandbox;
  let env: string;
  let data: string;
  let rules: string;
  let close: () => Promise<void>;
  let did: string;

  /** In this process: pages of the product, which the way to a running core loads, are no plain TypeScript. */
  async function within(command: () => Promise<number>): Promise<{ code: number; out: string; err: string }> {
    const said = { out: "", err: "" };
    const listen = (name: "out" | "err", stream: NodeJS.WriteStream) =>
      vi.spyOn(stream, "write").mockImplementation((chunk) => {
        said[name] += String(chunk);
        return true;
      });
    const spies = [listen("out", process.stdout), listen("err", process.stderr)];
    const code = await command().catch((error: unknown) => {
      if (!(error instanceof CommandError)) throw error;
      said.err += error.message;
      return error.exit;
    });
    for (const spy of spies) spy.mockRestore();
    return { code, ...said };
  }

  beforeAll(async () => {
    rules = mkdtempSync(join(dir, "rules-"));
    cpSync(join(root, "rules"), rules, { recursive: true });
    const opened = await openSandbox({ rulesDir: rules });
    ({ sandbox, env, close } = opened);
    data = opened.dir;
    did = sandbox.serve.core!.members.domain("alder.test")!.did;
  }, 60_000);
  afterAll(async () => {
    await close();
  });

  test("status and list", async () => {
    const { code, out, err } = await within(() => status({ env, json: true }));
    expect([code, err]).toEqual([0, ""]);
    expect(JSON.parse(out)).toMatchObject({ directory: rules, refused: null, failures: [] });
    const listed = JSON.parse((await within(() => list({ env, json: true }))).out) as {
      rules: { name: string; fired: number }[];
    };
    expect(listed.rules).toContainEqual(expect.objectContaining({ name: "BounceWarning", shadow: false }));
  });

  test("a bad directory is refused with its place, and what was good goes on; a good one is taken", async () => {
    const before = JSON.parse((await within(() => status({ env, json: true }))).out) as { hash: string };
    writeFileSync(join(rules, "added.sml"), "Oops = = 1\n");
    const refused = await within(() => reload({ env }));
    expect(refused.code).toBe(1);
    expect(refused.err).toMatch(/added\.sml:1:8/);
    const during = await within(() => status({ env, json: true }));
    expect(during.code).toBe(1);
    expect(JSON.parse(during.out)).toMatchObject({ hash: before.hash, refused: { directory: rules } });
    writeFileSync(join(rules, "added.sml"), "Fine = 1\n");
    expect(await within(() => reload({ env }))).toMatchObject({ code: 0, err: "" });
    const after = JSON.parse((await within(() => status({ env, json: true }))).out) as { hash: string };
    expect(after).toMatchObject({ refused: null });
    expect(after.hash).not.toBe(before.hash);
  });

  test("explain and replay say the same of a running core and of its file", async () => {
    const found = sandbox.serve
      .core!.events.recentOf(did, 100)
      .find(({ action }) => action === "domain_checked");
    const id = found!.envelope.data.action_id;
    const db = join(data, "atmos/core.sqlite");
    const asked = await within(() => explainAction(id, { env, json: true }));
    const read = await atmos(["explain", id, "--db", db, "--json"]);
    expect([asked.err, read.err]).toEqual(["", ""]);
    expect([asked.code, read.code]).toEqual([0, 0]);
    const explained = JSON.parse(asked.out) as { rules: { name: string; conditions: unknown[] }[] };
    expect(explained).toMatchObject({ actionId: id, action: "domain_checked", did });
    expect(
      explained.rules.find(({ name }) => name === "AuthenticationBroken")!.conditions.length,
    ).toBeGreaterThan(2);
    expect(JSON.parse(read.out)).toEqual(explained);

    const replayed = await within(() => replay(rules, { since: "2020-01-01", env, json: true }));
    expect([replayed.code, replayed.err]).toEqual([0, ""]);
    expect(JSON.parse(replayed.out)).toMatchObject({ different: 0, errors: 0 });
    expect((await atmos(["replay", rules, "--since", "2020-01-01", "--db", db, "--json"])).out).toBe(
      replayed.out,
    );
  });

  test("what is not there is said", async () => {
    const results = await Promise.all([
      within(() => explainAction("12345", { env })),
      atmos(["explain", "12345", "--db", join(dir, "none.sqlite")]),
      atmos(["explain", "12345", "--db", file("no database")]),
      atmos(["replay", rules, "--since", "yesterday"]),
    ]);
    expect(results.map(({ code }) => code)).toEqual([1, 1, 1, 2]);
    expect(results.map(({ err }) => err.length > 20 && !err.includes("    at "))).toEqual([
      true,
      true,
      true,
      true,
    ]);
  });
});
