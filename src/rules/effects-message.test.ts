import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import type { Envelope } from "../event/index.ts";
import { differencesOf, EffectsMessage, verdictsOf } from "./effects-message.ts";
import { createEmbeddedEngine, type EmbeddedEngine } from "./engine.ts";
import { loadRules } from "./load.ts";

/* What a real worker of Osprey 1.1 said (osprey/README.md), beside what the evaluator here says of the same events. */

const root = join(import.meta.dirname, "../..");
const captured = readFileSync(join(root, "osprey/fixtures/effects.jsonl"), "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as { envelope: Envelope; message: unknown });
const read = (message: unknown) => EffectsMessage.parse(message);
let engine: EmbeddedEngine;
beforeAll(async () => {
  engine = createEmbeddedEngine(await loadRules(join(root, "rules")));
});
const own = (envelope: Envelope) => engine.evaluate(envelope).verdicts;
const withFired = () => captured.filter(({ message }) => read(message).fired.length > 0);

describe.each(captured.map(({ envelope, message }, i) => ({ i, envelope, message })))(
  "captured message $i",
  ({ envelope, message }) => {
    test("gives the verdicts that the evaluator gives, shadow list and all", () => {
      expect(verdictsOf(read(message), own(envelope), engine.shadow)).toEqual(own(envelope));
      expect(differencesOf(own(envelope), verdictsOf(read(message), own(envelope), engine.shadow))).toEqual(
        [],
      );
    });
  },
);

test("there are rules in shadow among them, effects that end, and errors", () => {
  const verdicts = captured.flatMap(({ envelope }) => own(envelope));
  expect(captured.length).toBeGreaterThanOrEqual(10);
  expect(verdicts.some(({ shadow }) => shadow)).toBe(true);
  expect(verdicts.some(({ effects }) => effects.some(({ expiresAfterS }) => expiresAfterS !== null))).toBe(
    true,
  );
});

describe("where they differ it is said", () => {
  const changed = (change: (message: EffectsMessage) => void) => {
    const { envelope, message } = withFired()[0]!;
    const other = structuredClone(read(message));
    change(other);
    const verdicts = own(envelope);
    return differencesOf(verdicts, verdictsOf(other, verdicts, engine.shadow));
  };
  test.each<[string, (message: EffectsMessage) => void, RegExp[]]>([
    ["a rule less", (m) => void m.fired.pop(), [/fired in the embedded engine alone$/]],
    [
      "a rule more",
      (m) => void m.fired.push({ rule: "New", description: "" }),
      [/^New fired in Osprey alone$/],
    ],
    [
      "other words",
      (m) => void (m.fired[0]!.description = "Because."),
      [/ says ".+" embedded, and "Because\." in Osprey$/],
    ],
    ["no effect", (m) => void (m.effects = []), [/ \+ .+ embedded alone$/]],
    [
      "another label",
      (m) => void (m.effects[0]!.label = "other"),
      [/embedded alone$/, /\/other in Osprey alone$/],
    ],
    [
      "another end",
      (m) => void (m.effects[0]!.expires_after_ms = 5_000),
      [/embedded alone$/, /for 5 s in Osprey alone$/],
    ],
    [
      "taken away instead",
      (m) => void (m.effects[0]!.status = "removed"),
      [/embedded alone$/, /: - .+ in Osprey alone$/],
    ],
    ["an effect twice", (m) => void m.effects.push(m.effects[0]!), []],
    ["another order", (m) => void (m.fired = m.fired.toReversed()), []],
  ])("%s", (_, change, expected) => {
    const lines = changed(change);
    expect(lines).toHaveLength(expected.length);
    expected.forEach((pattern, i) => expect(lines[i]).toMatch(pattern));
  });
});

test.each([
  ["nothing", null],
  ["no list of effects", { action_id: "1", rules_hash: "", judged: true, fired: [] }],
  [
    "a status that there is not",
    {
      action_id: "1",
      rules_hash: "",
      judged: true,
      fired: [],
      effects: [{ entity_type: "Member", entity_id: "x", label: "l", status: "maybe", rules: [] }],
    },
  ],
])("not a message: %s", (_, value) => expect(EffectsMessage.safeParse(value).success).toBe(false));
