import { fileURLToPath } from "node:url";
import type { ActionName, Envelope, EventData } from "../../src/event/index.ts";
import { createEmbeddedEngine, loadRules } from "../../src/rules/index.ts";

const RULES = fileURLToPath(new URL("../../rules", import.meta.url));

/** What the shipped rules say: labels that have an effect, each with its rule. */
type Ruling = readonly { rule: string; label: string }[];

export type Judge = (action: ActionName, facts: Record<string, unknown>, key?: string) => Ruling;

/** The shipped rules on an event with these facts. With a `key`, which names the facts fully, each is asked once. */
export async function createJudge(directory = RULES): Promise<Judge> {
  const engine = createEmbeddedEngine(await loadRules(directory));
  const known = new Map<string, Ruling>();

  function ask(action: ActionName, facts: Record<string, unknown>): Ruling {
    const member = {
      did: "did:plc:simulated",
      domain: "member.test",
      age_days: 400,
      tier: "steady",
      standing: "good",
      labels: [],
      ...(facts["member"] as object | undefined),
    };
    const data = { dedupe_key: "simulated", credential: "credential", ...facts, member };
    const envelope: Envelope = {
      send_time: "2027-01-01T00:00:00.000000Z",
      data: { action_id: "1", action_name: action, data: data as EventData },
    };
    const { verdicts, errors } = engine.evaluate(envelope);
    if (errors.length > 0) throw new Error(`the rules met errors: ${JSON.stringify(errors)}`);
    return verdicts.flatMap(({ rule, effects }) => effects.map(({ label }) => ({ rule, label })));
  }

  return (action, facts, key) => {
    const found = key === undefined ? undefined : known.get(key);
    if (found) return found;
    const ruling = ask(action, facts);
    if (key !== undefined) known.set(key, ruling);
    return ruling;
  };
}
