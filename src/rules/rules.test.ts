import { mkdtemp, mkdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test } from "vitest";
import type { ActionName, BounceClass, BounceWindow, Envelope } from "../event/index.ts";
import { createEmbeddedEngine, loadRules, RulesError } from "./index.ts";

const SHIPPED = fileURLToPath(new URL("../../rules", import.meta.url));
const engine = createEmbeddedEngine(await loadRules(SHIPPED));

type Facts = { action?: ActionName; class?: BounceClass | null; bounce?: Partial<BounceWindow> | null };

/** A bounce that is just enough for a warning, changed by what a case says. */
function event(facts: Facts): Envelope {
  const bounce = {
    eligible: 60,
    hard: 9,
    distinct: 5,
    rate: 0.15,
    p_over_5: 0.99,
    p_over_10: 0.5,
    first_contacts: 0,
    domains: 5,
    by_strangers: false,
    ...facts.bounce,
  };
  const smtpClass = facts.class ?? "bad-mailbox";
  return {
    send_time: "2027-03-01T08:00:00.000250Z",
    data: {
      action_id: "1540000000000000001",
      action_name: facts.action ?? "recipient_bounced",
      data: {
        dedupe_key: "bounce:1",
        member: {
          did: "did:plc:one",
          domain: "one.test",
          age_days: 40,
          tier: "steady",
          standing: "good",
          labels: [],
        },
        ...(facts.class !== null && {
          smtp: {
            code: 550,
            enhanced: "5.1.1",
            text: "",
            provider: "other",
            class: smtpClass,
            fault: "recipient",
          },
        }),
        ...(facts.bounce !== null && { window: { bounce } }),
      },
    },
  };
}

describe("the shipped rules", () => {
  const surelyOver10 = { distinct: 10, p_over_5: 0.9999, p_over_10: 0.95 };
  const cases: [string, Facts, string[]][] = [
    ["just enough evidence: warned", {}, ["bounce-warning"]],
    ["a domain that does not exist counts", { class: "bad-domain" }, ["bounce-warning"]],
    ["far over both lines: both", { bounce: surelyOver10 }, ["bounce-warning", "bounce-probation"]],
    ["certain but four recipients only", { bounce: { distinct: 4, p_over_5: 1 } }, []],
    ["many recipients, not certain enough", { bounce: { distinct: 40, p_over_5: 0.989 } }, []],
    [
      "certain of 10 %, nine recipients: warned only",
      { bounce: { ...surelyOver10, distinct: 9 } },
      ["bounce-warning"],
    ],
    [
      "not certain of 10 %: warned only",
      { bounce: { ...surelyOver10, p_over_10: 0.949 } },
      ["bounce-warning"],
    ],
    ["no window", { bounce: null }, []],
    ["a block is the pool's affair", { class: "blocked" }, []],
    ["a policy refusal does not count", { class: "policy" }, []],
    ["a bounce that says nothing of its class", { class: null }, []],
    ["a delivery", { action: "recipient_delivered", class: "ok" }, []],
    ["a delivery that carries a class by mistake", { action: "recipient_delivered" }, []],
    ["a deferral", { action: "recipient_deferred" }, []],
    ["the change of standing itself", { action: "standing_changed" }, []],
    ["an accepted message", { action: "message_accepted", class: null, bounce: surelyOver10 }, []],
  ];
  test.each(cases)("%s", (_name, facts, labels) => {
    const result = engine.evaluate(event(facts));
    const given = result.verdicts.flatMap((verdict) => verdict.effects);
    expect(given.map((effect) => effect.label)).toEqual(labels);
    for (const effect of given) {
      expect(effect).toMatchObject({ entityType: "Member", entityId: "did:plc:one", status: "added" });
    }
    expect(result.errors).toEqual([]);
  });

  test("the description and the values carry what decided", () => {
    const [verdict] = engine.evaluate(event({ bounce: { p_over_5: 0.99987 } })).verdicts;
    expect(verdict?.description).toBe(
      "9 of the last 60 recipients do not exist (15.0 %), 5 different ones. That more than 5 % of your recipients do not " +
        "exist is 99.9 % certain; a warning needs 99.0 % and 5 different recipients. 0 of them were first contacts with a " +
        "text that you have long sent, which strangers can bring about in a sign-up form.",
    );
    expect(verdict?.values).toMatchObject({
      ActionName: "recipient_bounced",
      SmtpClass: "bad-mailbox",
      BounceOver5: 0.99987,
      BounceWarningCertainty: 0.99,
      BounceRecipients: 5,
      BounceWarningRecipients: 5,
    });
  });

  test("the trace says why a rule did not fire", () => {
    const { trace } = engine.evaluate(event({ bounce: { distinct: 2 } }), { trace: true });
    const warning = trace.find((rule) => rule.name === "BounceWarning");
    expect(warning?.fired).toBe(false);
    expect(warning?.conditions.map(({ text, value }) => [text, value])).toEqual([
      ['ActionName == "recipient_bounced"', true],
      ["SmtpClass in BouncesThatCount", true],
      ["IncidentActive == False", true],
      ["BounceOver5 >= BounceWarningCertainty", true],
      ["BounceRecipients >= BounceWarningRecipients", false],
    ]);
  });

  test("the same text has the same hash, another text another", async () => {
    const rules = await loadRules(SHIPPED);
    const reordered = { ...rules, files: Object.fromEntries(Object.entries(rules.files).toReversed()) };
    expect(createEmbeddedEngine(reordered).hash).toBe(engine.hash);
    const files = { ...rules.files, "settings.sml": `${rules.files["settings.sml"]}\n` };
    expect(createEmbeddedEngine({ ...rules, files }).hash).not.toBe(engine.hash);
  });
});

describe("loading", () => {
  const made: string[] = [];
  afterEach(() => Promise.all(made.splice(0).map((path) => rm(path, { recursive: true }))));

  async function directory(files: Record<string, string | Uint8Array>): Promise<string> {
    const path = await mkdtemp(join(tmpdir(), "rules-"));
    made.push(path);
    for (const [name, content] of Object.entries(files)) {
      await mkdir(dirname(join(path, name)), { recursive: true });
      await writeFile(join(path, name), content);
    }
    return path;
  }

  test("rule files are named from the directory, others are left alone", async () => {
    const path = await directory({
      "main.sml": "",
      "a/b.sml": "B = 1\n",
      "a/notes.txt": "x",
      "labels.json": "{}",
    });
    expect(await loadRules(path)).toEqual({ files: { "a/b.sml": "B = 1\n", "main.sml": "" }, labels: {} });
    expect((await loadRules(await directory({ "main.sml": "" }))).labels).toBeNull();
  });

  test("a bad rule file is shown with line, column and a caret", async () => {
    const path = await directory({ "main.sml": "", "x/y.sml": "A = 1\nB = A +* 2\n", "labels.json": "{}" });
    const rules = await loadRules(path);
    expect(() => createEmbeddedEngine(rules)).toThrow(
      new RulesError(
        'x/y.sml:2:8: unexpected "*" [syntax]\n  | B = A +* 2\n  |        ^\n' +
          "  a rule file holds assignments, `Name = value`, and calls, `Name(argument=value)`",
      ),
    );
  });

  test("a label that is not configured stops the engine", async () => {
    const rules = await loadRules(SHIPPED);
    const { "bounce-warning": _gone, ...labels } = rules.labels!;
    expect(() => createEmbeddedEngine({ ...rules, labels })).toThrow(
      /bounce\.sml:\d+:\d+: the label "bounce-warning"/,
    );
  });

  test.each([
    ["no rule file", { "labels.json": "{}" }, /there is no rule file/],
    ["a rule file of 2 MB", { "main.sml": "#".repeat(2_000_000) }, /main\.sml: the file is larger than/],
    [
      "a shadow list of another shape",
      { "main.sml": "", "shadow.json": '{"rule":["A"]}' },
      /shadow\.json: .*rule/s,
    ],
    ["labels that are no JSON", { "main.sml": "", "labels.json": "{" }, /labels\.json: .*JSON/],
    [
      "labels of another shape",
      { "main.sml": "", "labels.json": '{"a":{"valid_for":"Member"}}' },
      /labels\.json: /,
    ],
    [
      "bytes",
      { "main.sml": new Uint8Array([0xff, 0xfe]), "labels.json": "{}" },
      /main\.sml: the file is not UTF-8/,
    ],
  ])("%s", async (_name, files, message) => {
    await expect(loadRules(await directory(files))).rejects.toThrow(message);
  });

  test("a directory that is not there", async () => {
    await expect(loadRules(join(tmpdir(), "no-such-rules"))).rejects.toThrow(/cannot be read/);
  });
});

describe("shadow", () => {
  const text = `Member: Entity[str] = EntityJson(type="Member", path="$.member.did")
Loud = Rule(when_all=[True], description="loud")
Quiet = Rule(when_all=[True], description="quiet")
Gate = Rule(when_all=[True], description="gate")
WhenRules(rules_any=[Loud, Quiet], then=[LabelAdd(entity=Member, label="a"), LabelAdd(entity=Member, label="b")])
WhenRules(rules_any=[Loud], then=[LabelAdd(entity=Member, label="c", apply_if=Gate)])
`;
  const label = { valid_for: ["Member"], connotation: "neutral", description: "" };
  const set = { files: { "main.sml": text }, labels: { a: label, b: label, c: label } };
  const names = (effects: readonly { label: string }[]) => effects.map((effect) => effect.label).toSorted();
  const judged = (shadow: { rules?: string[]; labels?: string[] }) => {
    const all = { rules: [], labels: [], ...shadow };
    const { verdicts } = createEmbeddedEngine({ ...set, shadow: all }).evaluate(event({}));
    return Object.fromEntries(
      verdicts.map(({ rule, shadow: isShadow, effects, wouldEffects }) => [
        rule,
        [isShadow, names(effects).join(""), names(wouldEffects).join("")],
      ]),
    );
  };

  test.each<[string, { rules?: string[]; labels?: string[] }, Record<string, [boolean, string, string]>]>([
    ["nothing", {}, { Loud: [false, "abc", "abc"], Quiet: [false, "ab", "ab"], Gate: [false, "", ""] }],
    [
      "a rule",
      { rules: ["Quiet"] },
      { Loud: [false, "abc", "abc"], Quiet: [true, "", "ab"], Gate: [false, "", ""] },
    ],
    [
      "a label",
      { labels: ["a"] },
      { Loud: [false, "bc", "abc"], Quiet: [false, "b", "ab"], Gate: [false, "", ""] },
    ],
    [
      "all labels of a rule",
      { labels: ["a", "b"] },
      { Loud: [false, "c", "abc"], Quiet: [true, "", "ab"], Gate: [false, "", ""] },
    ],
    [
      "a gate: what it lets through does nothing",
      { rules: ["Gate"] },
      { Loud: [false, "ab", "abc"], Quiet: [false, "ab", "ab"], Gate: [true, "", ""] },
    ],
  ])("of %s", (_name, shadow, expected) => expect(judged(shadow)).toEqual(expected));

  test("names that are not there are refused, with the nearest", () => {
    const shadow = { rules: ["Quite"], labels: ["zzzzzz"] };
    expect(() => createEmbeddedEngine({ ...set, shadow })).toThrow(
      /no rule "Quite" here\n {2}did you mean Quiet\?\nshadow\.json: there is no label "zzzzzz"/,
    );
  });

  test("what is in shadow is part of the hash", () => {
    const hashes = [undefined, { rules: ["Quiet"], labels: [] }, { rules: [], labels: ["a"] }].map(
      (shadow) => createEmbeddedEngine({ ...set, ...(shadow && { shadow }) }).hash,
    );
    expect(new Set(hashes).size).toBe(3);
  });
});
