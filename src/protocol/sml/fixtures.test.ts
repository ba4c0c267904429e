import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { agrees, runCase, type ConformanceCase } from "./index.ts";

/** One line of `fixtures/*.jsonl`: a set of rule files with what Osprey 1.1.0 made of it. */
type Recorded = ConformanceCase & { why: string; expect?: unknown[]; expect_invalid?: unknown[] };

const directory = new URL("fixtures/", import.meta.url);
const topics = readdirSync(directory)
  .filter((name) => name.endsWith(".jsonl"))
  .map((name) => ({
    topic: name.replace(".jsonl", ""),
    cases: readFileSync(new URL(name, directory), "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Recorded),
  }));

describe.each(topics)("$topic", ({ cases }) => {
  test.each(cases)("$name: $why", (recorded) => {
    const found = runCase(recorded);
    const { name, expect: outcomes, expect_invalid: problems } = recorded;
    const wanted = outcomes === undefined ? { name, expect_invalid: problems } : { name, expect: outcomes };
    if (!agrees(found, recorded)) expect(found).toEqual(wanted);
    expect(agrees(found, { ...recorded, expect: [], expect_invalid: [] })).toBe(false);
  });
});

test("every case has a name of its own", () => {
  const names = topics.flatMap(({ cases }) => cases.map(({ name }) => name));
  expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([]);
  expect(names.length).toBeGreaterThan(200);
});

describe("what is no case is told, not thrown", () => {
  const event = { action_id: 1, action_name: "a", send_time: "2027-01-01T00:00:00Z", data: {} };
  const one = { name: "c", files: { "main.sml": "A = 1\n" }, labels_config: null, events: [event] };
  test.each([
    [null, "case is no object"],
    [{ name: "c" }, "case.files is no object"],
    [{ ...one, files: { "main.sml": 5 } }, 'case.files["main.sml"] is no text'],
    [{ ...one, labels_config: { a: {} } }, 'case.labels_config["a"].valid_for is no list'],
    [{ ...one, events: [{ ...event, action_id: 1.5 }] }, "case.events[0].action_id is no whole number"],
    [{ ...one, events: [{ ...event, send_time: "later" }] }, "events[0]: not an ISO 8601 time: later"],
    [
      { ...one, existing_labels: { "A/1": { l: { status: "new", reasons: {} } } } },
      'case.existing_labels["A/1"]["l"].status is none of added, removed, manually_added, manually_removed',
    ],
  ])("%j", (input, error) => {
    expect(runCase(input)).toMatchObject({ error });
  });
});
