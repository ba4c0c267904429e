import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Finding } from "../../standing/index.ts";
import { openCore } from "./core.fixture.ts";

const did = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
const DAY = 24 * 3_600_000;
const rosa = { by: "rosa", reason: "Looked at." };

let here: Awaited<ReturnType<typeof openCore>>;
beforeEach(async () => {
  here = await openCore(Date.UTC(2026, 0, 1));
  core().admission.join(did, "Ada");
});
afterEach(() => here.close());

const core = () => here.core;
const standing = () => core().standings.state(did).standing;

/** A rule finds something in mail of this moment; the number of the change, if there is one. */
function finds(cause: string, more: Partial<Finding> = {}): number {
  here.clock.advance(60_000);
  const at = here.clock.now();
  const found = {
    cause,
    rule: cause,
    description: cause,
    evidence: {},
    actionId: `${at}`,
    at,
    sentAt: at - 1,
  };
  return core().standings.consider(did, [{ ...found, ...more }])?.id ?? 0;
}

function lift(change: number): void {
  const one = core().cases.appeal(did, change, "It is wrong.", did);
  if ("error" in one) throw new Error(one.error);
  core().cases.decide(one.id, { verdict: "lift", ...rosa });
}

describe("an appeal that is granted takes one change back, and nothing else", () => {
  test("an old warning, of somebody who is suspended for something else: suspended", () => {
    const warned = finds("bounce-warning");
    finds("breaker-confirmed");
    lift(warned);
    expect(standing()).toBe("suspended");
  });

  test("the first of two causes: the second one stands, and is no repetition", () => {
    const first = finds("complaint-probation");
    finds("bounce-probation");
    expect(standing()).toBe("suspended");
    lift(first);
    expect(standing()).toBe("probation");
  });

  test("a probation that was wrong is no first cause", () => {
    lift(finds("bounce-probation"));
    here.clock.advance(DAY);
    finds("complaint-probation");
    expect(standing()).toBe("probation");
  });

  test("what strangers brought about before makes no repetition of what is left", () => {
    finds("bounce-probation", { byStrangers: true, evidence: { window: { by_strangers: true } } });
    core().cases.remedy(did, "A captcha.");
    here.clock.advance(15 * DAY);
    here.review();
    const wrong = finds("bounce-probation");
    finds("complaint-probation");
    expect(standing()).toBe("suspended");
    lift(wrong);
    expect(standing()).toBe("probation");
  });
});

test("what was said while suspended holds for the probation that follows", () => {
  finds("breaker-confirmed");
  core().cases.remedy(did, "The credential was in a public repository.");
  here.clock.advance(14 * DAY);
  here.review();
  expect(standing()).toBe("probation");
  here.clock.advance(14 * DAY);
  here.review();
  expect(standing()).toBe("warned");
});
