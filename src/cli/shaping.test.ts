import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command, Option } from "commander";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { CommandError } from "./output.ts";
import { measureTexts } from "./shaping-measures.ts";
import { shapingCommands } from "./shaping.ts";

let dir: string;
const path = (name: string) => join(dir, name);

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "atmos-shaping-cli-"));
  writeFileSync(
    path("good.toml"),
    '[provider.mine]\nmx = ["mx.mine.example"]\n[provider.mine.rule.full]\ntext = ["come back at night"]\nclass = "rate-limited"\nmeasure = "pause-provider"\nfor = "90m"\nadvice = "Wait until night."\n[domain."old.example"]\ntls = "clear"\n',
  );
  writeFileSync(path("bad.toml"), "[provider.gmail]\nconections = 3\nconnections = 0\n");
  writeFileSync(path("atmos.env"), `ATMOS_SHAPING_FILE=${path("good.toml")}\n`);
});
afterAll(() => rmSync(dir, { recursive: true }));
afterEach(() => vi.restoreAllMocks());

/** Runs `atmos shaping ...`. */
async function run(...args: string[]): Promise<{ code: number; text: string }> {
  let text = "";
  let code = 0;
  vi.spyOn(process.stdout, "write").mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  const program = new Command("atmos").exitOverride().configureOutput({ writeErr: () => undefined });
  shapingCommands(program, {
    env: () => new Option("--env <file>"),
    json: () => new Option("--json"),
    run:
      (command) =>
      async (...rest) => {
        try {
          code = await command(...rest);
        } catch (error) {
          if (!(error instanceof CommandError)) throw error;
          code = error.exit;
          text += error.message;
        }
      },
  });
  for (const command of program.commands.flatMap((one) => [one, ...one.commands])) {
    command.exitOverride().configureOutput({ writeErr: () => undefined });
  }
  try {
    await program.parseAsync(["node", "atmos", "shaping", ...args]);
  } catch (error) {
    code = (error as { exitCode?: number }).exitCode === 0 ? 0 : 2;
  }
  vi.restoreAllMocks();
  return { code, text };
}

test("a reply is explained: provider, rule, recipient, measure, member, operator, source", async () => {
  const { code, text } = await run(
    "test",
    "550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent (S3140)",
    "--mx",
    "hotmail-com.olc.protection.outlook.com",
  );
  expect(code).toBe(0);
  for (const line of [
    /^provider {5}outlook, Outlook\.com/m,
    /^rule {9}microsoft\/s3140: text "s3140"/m,
    /^class {8}blocked, fault of the pool$/m,
    /^recipient {4}deferred: tried again/m,
    /^measure {6}pause-provider: nothing more to this provider from this address for 6h$/m,
    /^member hears The receiving side refuses mail from our address/m,
    /^operator {5}.*https:\/\/olcsupport\.office\.com\//m,
    /^source {7}https:\/\//m,
  ])
    expect(text).toMatch(line);
});

test.each<[string, string[], object]>([
  [
    "of several lines",
    [
      "550-5.7.26 Your email has been blocked\\n550 5.7.26 because the sender is unauthenticated",
      "--mx",
      "alt1.aspmx.l.google.com",
      "--phase",
      "body",
    ],
    {
      provider: "gmail",
      rule: "gmail/unauthenticated",
      recipient: "bounced",
      permanent: true,
      measure: { do: "suspend-member", ms: 1_800_000 },
    },
  ],
  [
    "at the greeting",
    ["554 IP address is block listed", "--mx", "mx00.gmx.net", "--phase", "connect"],
    { rule: "gmx/block-list", recipient: "deferred", class: "blocked" },
  ],
  [
    "of nobody's known",
    ["550 5.1.1 User unknown", "--mx", "mail.example.org"],
    {
      provider: "other",
      rule: null,
      measure: null,
      advice: null,
      recipient: "bounced",
      class: "bad-mailbox",
    },
  ],
  [
    "that is none",
    ["250 2.0.0 Ok", "--provider", "gmail"],
    { recipient: "delivered", class: "ok", rule: null },
  ],
])("as JSON, a reply %s", async (_name, args, expected) => {
  const { code, text } = await run("test", ...args, "--json");
  expect(code).toBe(0);
  expect(JSON.parse(text)).toMatchObject(expected);
});

test.each<[string, string[]]>([
  ["--file", ["--file", "good.toml"]],
  ["the environment file", ["--env", "atmos.env"]],
])("the operator's own file counts: %s", async (_name, [option, name]) => {
  const args = ["test", "452 Come back at night", "--mx", "mx.mine.example", option!, path(name!)];
  const { code, text } = await run(...args);
  expect(code).toBe(0);
  expect(text).toMatch(/mine\/full/);
  expect(text).toMatch(/for 90m$/m);
  expect(text).toMatch(/Wait until night\./);
});

test("show lists providers with limits and the rules for domains; of one its rules", async () => {
  const all = await run("show", "--file", path("good.toml"));
  expect(all.code).toBe(0);
  expect(all.text).toMatch(/^gmail +10 +5 +50 +60 Gmail/m);
  expect(all.text).toMatch(/^mine +20 +20 +100 +- mine$/m);
  expect(all.text).toMatch(/^other /m);
  expect(all.text).toMatch(/^old\.example: may go in clear$/m);
  const one = await run("show", "yahoo");
  expect(one.text).toMatch(/yahoo\/tss04\n +when +text "\[tss04\]"/);
  expect(one.text).toMatch(/general\/spamhaus/);
  const json = JSON.parse((await run("show", "yahoo", "--json")).text) as { rules: { rule: string }[] };
  expect(json.rules[0]!.rule).toBe("yahoo/tss04");
});

test("check says what is wrong, with file, line and key", async () => {
  const good = await run("check", path("good.toml"));
  expect([good.code, good.text]).toEqual([
    0,
    expect.stringMatching(/can be used: .* \d+ providers, rules for 1 domains/),
  ]);
  const bad = await run("check", path("bad.toml"));
  expect(bad.code).toBe(1);
  expect(bad.text).toMatch(/bad\.toml:2: .*did you mean connections\?/);
  expect(bad.text).toMatch(/bad\.toml:3: /);
  const json = await run("check", path("bad.toml"), "--json");
  expect(JSON.parse(json.text)).toMatchObject({
    ok: false,
    problems: [expect.any(String), expect.any(String)],
  });
  expect((await run("check", path("none.toml"))).code).toBe(1);
});

test.each<[string, string[], number, RegExp]>([
  ["no host", ["test", "550 no"], 2, /Name the host/],
  ["host and provider", ["test", "550 no", "--mx", "a.example", "--provider", "gmail"], 2, /Name the host/],
  ["no code", ["test", "go away", "--provider", "gmail"], 2, /begins with its code/],
  ["an unknown provider", ["test", "550 no", "--provider", "gmial"], 2, /did you mean gmail\?/],
  ["an unknown provider to show", ["show", "gmial"], 2, /did you mean gmail\?/],
  ["an unknown phase", ["test", "550 no", "--provider", "gmail", "--phase", "dinner"], 2, /^$/],
  ["a faulty file", ["show", "--file", "bad.toml"], 1, /cannot be used:\n.*bad\.toml:2/],
])("%s", async (_name, args, exit, why) => {
  const { code, text } = await run(...args.map((arg) => (arg === "bad.toml" ? path(arg) : arg)));
  expect(code).toBe(exit);
  expect(text).toMatch(why);
});

test("measures in force are told with their reason, what is to be done and how they are ended", () => {
  const now = Date.UTC(2026, 0, 2, 12);
  const pause = {
    kind: "pause" as const,
    provider: "mx1.small.test mx2.small.test",
    subject: "192.0.2.1",
    since: now - 3_600_000,
    until: now + 3_600_000,
    ms: 7_200_000,
    why: 'other said "554 5.7.1 away"',
    rule: "general/away",
    advice: "Ask its postmaster.",
  };
  const lift = { ...pause, said: pause.why, at: now, by: "ann", why: "they answered" };
  const text = measureTexts([pause], [lift], now).join("\n");
  expect(text).toContain("nothing from 192.0.2.1 until 2026-01-02 13:00 (since 2026-01-02 11:00)");
  expect(text).toContain('because  other said "554 5.7.1 away"');
  expect(text).toContain("to do    Ask its postmaster.");
  expect(text).toContain('atmos shaping lift "mx1.small.test mx2.small.test" 192.0.2.1 --why "…"');
  expect(text).toContain("ann: they answered");
  expect(measureTexts([], [], now)[0]).toMatch(/No provider's reply/);
});
