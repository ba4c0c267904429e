import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Envelope } from "../../event/index.ts";
import type { RuleEngineChoice } from "../../platform/config/index.ts";
import type { RulesEngine, RuleVerdict } from "../../rules/index.ts";
import { openCore } from "./core.fixture.ts";
import { ACTIONS_TOPIC, EFFECTS_TOPIC } from "./osprey-desk.ts";

const did = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
const warning: RuleVerdict = verdict("BounceWarning", "bounce-warning");
/** What the evaluator here says of every event. */
let own: RuleVerdict[];
const engine: RulesEngine = {
  hash: "test",
  shadow: { rules: ["Quiet"], labels: [] },
  judges: (action) => action === "recipient_bounced",
  sourceOf: () => undefined,
  evaluate: () => ({ verdicts: own, declared: [], errorCount: 0, errors: [], failed: [], trace: [] }),
};
let here: Awaited<ReturnType<typeof openCore>>;
let asked: Envelope[];

function verdict(rule: string, label: string): RuleVerdict {
  const effects = [
    {
      entityType: "Member",
      entityId: did,
      label,
      status: "added" as const,
      expiresAfterS: null,
      applyIf: null,
    },
  ];
  return { rule, description: `${rule} held.`, effects, shadow: false, wouldEffects: effects, values: {} };
}

async function open(ruleEngine: RuleEngineChoice): Promise<void> {
  own = [];
  here = await openCore(Date.UTC(2026, 0, 1), { rules: engine, ruleEngine });
  const form = {
    name: "Ada",
    domains: [],
    daily: null,
    purpose: "",
    pds: "",
    words: "",
    contact: "ada@ada.test",
  };
  here.core.admission.apply(did, form, "Ada");
  here.core.admission.approve(did, { tier: "new", note: "", by: "rosa" });
  asked = [];
  here.bus.subscribe<Envelope>(ACTIONS_TOPIC, "worker", async (batch) => {
    for (const { key, value } of batch) {
      expect(key).toBe(did);
      asked.push(value);
    }
  });
}
afterEach(() => here.close());

let n = 0;
async function bounce(): Promise<Envelope> {
  here.clock.advance(1_000);
  const event = here.newEvent("recipient_bounced", {
    dedupe_key: `b${++n}`,
    member: { did, domain: "ada.test" },
    smtp: {
      code: 550,
      enhanced: "5.1.1",
      text: "",
      provider: "other",
      class: "bad-mailbox",
      fault: "member",
    },
  });
  await here.publish(event);
  return event;
}
/** As a worker answers. */
const message = (event: Envelope, fired: [rule: string, label: string][], change: object = {}) => ({
  schema: 1,
  engine: "osprey",
  action_id: event.data.action_id,
  action_name: event.data.action_name,
  did,
  rules_hash: "test",
  judged: true,
  effects: fired.map(([rule, label]) => ({
    entity_type: "Member",
    entity_id: did,
    label,
    status: "added",
    rules: [rule],
  })),
  declared: [],
  fired: fired.map(([rule]) => ({ rule, description: `${rule} held.` })),
  features: {},
  error_count: 0,
  ...change,
});
async function says(value: unknown): Promise<void> {
  await here.bus.publish(EFFECTS_TOPIC, [{ key: did, value }]);
  await here.bus.settle();
}
const standing = () => here.core.standings.state(did).standing;
const changes = () => here.core.standings.changesOf(did, 10).length;

describe("Osprey leads", () => {
  beforeEach(() => open("osprey-and-embedded"));

  test("it is asked with the windows, and what it says follows once, however often it is said", async () => {
    const event = await bounce();
    expect(asked).toHaveLength(1);
    expect(asked[0]!.data).toMatchObject({
      action_id: event.data.action_id,
      data: { member: { did, standing: "good" } },
    });
    expect(asked[0]!.data.data.window).toBeDefined();
    expect(here.core.osprey!.status().waiting.count).toBe(1);
    expect(standing()).toBe("good");
    const answer = message(event, [["BounceWarning", "bounce-warning"]]);
    for (let i = 0; i < 3; i++) await says(answer);
    expect(standing()).toBe("warned");
    expect(here.core.verdicts.ofAction(event.data.action_id)).toHaveLength(1);
    expect(here.core.osprey!.status().waiting.count).toBe(0);
  });

  test("what only the evaluator here says does not follow, and is told", async () => {
    own = [warning];
    const event = await bounce();
    await says(message(event, []));
    expect(standing()).toBe("good");
    expect(here.core.osprey!.differences(5)).toMatchObject([
      { actionId: event.data.action_id, did, lines: ["BounceWarning fired in the embedded engine alone"] },
    ]);
  });

  test("a rule in our shadow list has no effect, whoever judges", async () => {
    const event = await bounce();
    await says(message(event, [["Quiet", "bounce-warning"]]));
    expect(standing()).toBe("good");
    expect(here.core.verdicts.ofAction(event.data.action_id)).toMatchObject([
      { rule: "Quiet", shadow: true },
    ]);
  });

  test("where it gives no answer the evaluator's counts", async () => {
    own = [warning];
    const event = await bounce();
    await says(message(event, [], { judged: false, error_count: 1 }));
    expect(standing()).toBe("warned");
  });

  test("answers that nobody asked for, and what is none, change nothing", async () => {
    const event = await bounce();
    await says({ nonsense: true });
    await says(message(event, [["BounceWarning", "bounce-warning"]], { action_id: "123456789" }));
    expect(standing()).toBe("good");
    await says(message(event, [["BounceWarning", "bounce-warning"]]));
    expect(standing()).toBe("warned");
  });

  test("other rules at the worker are a difference", async () => {
    const event = await bounce();
    await says(message(event, [], { rules_hash: "other" }));
    expect(here.core.osprey!.differences(5)[0]!.lines).toEqual([
      expect.stringContaining("Osprey judged by other rules"),
    ]);
  });

  test("answers in another order each find their event", async () => {
    const [first, second] = [await bounce(), await bounce()];
    await says(message(second, [["BounceWarning", "bounce-warning"]]));
    await says(message(first, []));
    expect(standing()).toBe("warned");
    expect(changes()).toBe(1);
  });
});

test("Osprey alone leads, and differences are not looked for", async () => {
  await open("osprey");
  own = [warning];
  await says(message(await bounce(), []));
  expect(standing()).toBe("good");
  expect(here.core.osprey!.differences(5)).toEqual([]);
});

test("as a shadow it changes nothing, and differences are told", async () => {
  await open("embedded-and-osprey");
  own = [warning];
  const event = await bounce();
  expect(standing()).toBe("warned");
  await says(message(event, []));
  expect(changes()).toBe(1);
  expect(here.core.osprey!.status()).toMatchObject({ engine: "embedded-and-osprey", differences: 1 });
});

test("the evaluator alone asks nobody", async () => {
  await open("embedded");
  own = [warning];
  await bounce();
  expect([standing(), asked.length, here.core.osprey]).toEqual(["warned", 0, undefined]);
});
