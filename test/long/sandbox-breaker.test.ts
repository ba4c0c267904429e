import { expect, test } from "vitest";
import { fingerprint } from "../../src/breaker/index.ts";
import { seedOperators, type SeedOperator } from "../../src/devnet/operators.ts";
import { DAY_MS, planDay } from "../../src/devnet/plan.ts";
import { credential, member } from "../../src/policy/policy.fixture.ts";
import { createWorld } from "../../src/policy/world.fixture.ts";

/* The sandbox's operators are honest. Their users were there before: nearly everybody is new to the breaker at first. */

const mailDomains = ["bigmail.test", "postbox.test"];
const DAYS = 7;
const HOUR_MS = 3_600_000;

/** The causes of the pauses of a newcomer whose mail begins at this hour. */
async function play(operator: SeedOperator, day: number, hour: number): Promise<string[]> {
  const world = await createWorld({ ...member, tier: "new", credentials: [credential] });
  const seen = new Set<string>();
  const causes: string[] = [];
  for (let i = 0; i <= DAYS && causes.length === 0; i++) {
    for (const mail of planDay({ operators: [operator], day: day + i, mailDomains })) {
      if (mail.at < day * DAY_MS + hour * HOUR_MS) continue;
      const print = fingerprint({ fromName: "PDS", replyTo: "", ...mail, attachments: [], cut: false });
      const result = world.submit([mail.to], print, mail.at);
      if ("leavesAt" in result) {
        const hard = mail.to.startsWith("bounce+");
        world.outcome(mail.to, print, !seen.has(mail.to), hard, result.leavesAt + 1_000);
        seen.add(mail.to);
      }
      const cause = world.paused();
      if (cause !== undefined) return [cause];
    }
  }
  return causes;
}

test.each([7, 19, 23])(
  "the breaker stops no operator of the sandbox in its first week, begun at %i o'clock",
  { timeout: 60_000 },
  async (hour) => {
    const stopped: string[] = [];
    for (const operator of seedOperators()) {
      for (const day of [20_776, 20_500]) {
        for (const cause of await play(operator, day, hour)) stopped.push(`${operator.name} ${day} ${cause}`);
      }
    }
    expect(stopped).toEqual([]);
  },
);
