import { join } from "node:path";
import { expect, test } from "vitest";
import { eventMaker, type ActionName, type Envelope, type EventData } from "../../event/index.ts";
import { DAY_MS } from "../../lib/clock.ts";
import { createEmbeddedEngine, loadRules, type RuleSet, type Verdict } from "../../rules/index.ts";
import { createReplay } from "./replay-run.ts";

const START = Date.UTC(2027, 0, 1);
const shipped = await loadRules(join(import.meta.dirname, "../../../rules"));
const [BAD, GOOD] = ["did:plc:bad", "did:plc:good"];

let ids = 0;
function fact(at: number, action: ActionName, did: string, data: Partial<EventData>): Envelope {
  const make = eventMaker(
    () => at,
    () => String(++ids),
  );
  return make(action, { dedupe_key: `fact ${ids}`, member: { did, domain: "x.test" }, ...data });
}

function outcome(n: number, did: string, hard: boolean, day = n): Envelope {
  const at = START + day * 3_600_000;
  return fact(at, hard ? "recipient_bounced" : "recipient_delivered", did, {
    message: { id: `m${did}${n}`, size: 1, recipients: 1, stream: "transactional", received_at: at - 1_000 },
    recipient: { key: `r${n}`, domain: "far.test", first_time: false },
    smtp: {
      code: hard ? 550 : 250,
      enhanced: "",
      text: "",
      provider: "other",
      class: hard ? "bad-mailbox" : "ok",
      fault: "recipient",
    },
  });
}

const changed = (at: number, detail: Record<string, unknown>) =>
  fact(at, "standing_changed", BAD!, { detail: { at, ...detail } });

/** 40 deliveries and 12 dead addresses of one member, 40 deliveries of another. */
const history = [
  ...Array.from({ length: 40 }, (_, n) => [outcome(n, BAD!, false), outcome(n, GOOD!, false)]).flat(),
  ...Array.from({ length: 12 }, (_, n) => outcome(40 + n, BAD!, true)),
];

type Options = {
  set?: RuleSet;
  since?: number;
  until?: number;
  events?: Envelope[];
  done?: Partial<Verdict>[];
};

function replay({ set = shipped, since = START, until = Infinity, events = history, done = [] }: Options) {
  const run = createReplay({ engine: createEmbeddedEngine(set), since, until, members: [] });
  run.take(events.map((envelope) => ({ envelope })));
  for (const verdict of done) run.done(verdict as Verdict);
  const found = run.members();
  run.close();
  return found;
}

const steps = (found: ReturnType<typeof replay>, side: "done" | "would") =>
  found.find(({ did }) => did === BAD)?.[side].changes.map(({ from, to }) => `${from}>${to}`);

test("rules that would have spoken where none did: a difference", () => {
  const found = replay({});
  expect(found.map(({ did, different }) => [did, different])).toEqual([[BAD, true]]);
  expect(steps(found, "done")).toEqual([]);
  expect(steps(found, "would")![0]).toBe("good>warned");
  expect(found[0]!.rules.find(({ rule }) => rule === "BounceWarning")).toMatchObject({ done: 0 });
});

test("what was done is what would be done: no difference", () => {
  const would = replay({})[0]!;
  const events = [
    ...history,
    ...would.would.changes.map(({ at, from, to, why }) => changed(at, { from, to, rule: why, cause: "x" })),
  ];
  const done = would.rules.flatMap((one) => [
    ...Array.from({ length: one.would }, () => ({ did: BAD!, at: START + 1, rule: one.rule, shadow: false })),
    ...Array.from({ length: one.wouldInShadow }, () => ({
      did: BAD!,
      at: START + 1,
      rule: one.rule,
      shadow: true,
    })),
  ]);
  const found = replay({ events, done });
  expect(found[0]).toMatchObject({
    different: false,
    rules: would.rules.map((one) => ({ done: one.would })),
  });
});

test("in shadow nothing follows, and it is counted apart", () => {
  const rules = ["BounceEarlyWarning", "BounceWarning", "BounceProbation"];
  const [found] = replay({ set: { ...shipped, shadow: { rules, labels: [] } } });
  expect(found).toMatchObject({ different: false, would: { standing: "good", changes: [] } });
  expect(found!.rules.find(({ rule }) => rule === "BounceWarning")!.wouldInShadow).toBeGreaterThan(0);
});

test("before the time asked for standings are as they were, and outside of it nothing is judged", () => {
  const end = START + 60 * 3_600_000;
  const events = [
    ...history,
    changed(end, { from: "good", to: "probation", rule: "Old", cause: "bounce-probation" }),
  ];
  expect(replay({ events, since: end + 1 })).toEqual([]);
  expect(replay({ until: START + 30 * 3_600_000 })).toEqual([]);
});

test("what a person decided is taken as it was, and what time eases is eased", () => {
  const later = START + 60 * 3_600_000;
  const decided = changed(later, { from: "warned", to: "good", by: "Ada", why: "a mistake" });
  expect(steps(replay({ events: [...history, decided] }), "would")!.at(-1)).toMatch(/>good$/);
  const monthLater = outcome(60, BAD!, true, 40 * (DAY_MS / 3_600_000));
  const rules: RuleSet = { ...shipped, shadow: { rules: ["BounceProbation"], labels: [] } };
  expect(steps(replay({ set: rules, events: [...history, monthLater] }), "would")).toEqual([
    "good>warned",
    "warned>good",
  ]);
});
