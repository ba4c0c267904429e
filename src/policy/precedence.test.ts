import { describe, expect, test } from "vitest";
import { decide, type DecideInput } from "./decide.ts";
import type { DecisionReason } from "./outcomes.ts";
import { base, credential, HOUR, member, now } from "./policy.fixture.ts";

const both = { ...credential, domains: ["member.test", "broken.test"] };
const unseen = { firstTime: 1, known: false, probe: 50 };

describe("precedence: of several reasons the first of this order is told", () => {
  const layers: [DecisionReason, Partial<DecideInput>][] = [
    ["suspended", { member: { ...member, standing: "suspended" } }],
    ["left", { member: { ...member, membership: "left" } }],
    ["applicant", { member: { ...member, membership: "applicant" } }],
    ["revoked", { credential: { ...credential, revoked: true } }],
    ["foreign-domain", { fromDomain: "other.test" }],
    ["stream", { stream: "bulk", credential: { ...credential, streams: ["transactional"] } }],
    ["bulk-on-probation", { stream: "bulk", member: { ...member, standing: "probation" } }],
    ["suppressed", { suppressed: "It bounced." }],
    ["too-many-at-once", { recipients: 61 }],
    ["over-limit", { limits: { hour: now + HOUR + 600_000 } }],
    ["paced", { limits: { hour: now + HOUR } }],
  ];
  /** Both at once; of the same key the parts of the later one stay where they do not contradict. */
  const join = (a: Partial<DecideInput>, b: Partial<DecideInput>): Partial<DecideInput> => ({
    ...b,
    ...a,
    member: { ...member, ...b.member, ...changed(a.member, member) },
    credential: { ...credential, ...b.credential, ...changed(a.credential, credential) },
  });
  const changed = <T extends object>(value: T | undefined, original: T): Partial<T> =>
    Object.fromEntries(
      Object.entries(value ?? {}).filter(([key, own]) => own !== original[key as keyof T]),
    ) as Partial<T>;

  test.each(
    layers.flatMap(([first, a], i) =>
      layers.slice(i + 1).map(([second, b]) => [first, second, a, b] as const),
    ),
  )("%s before %s", (first, _second, a, b) => {
    const contradiction = a.limits && b.limits;
    if (!contradiction) expect(decide({ ...base, ...join(a, b) }).reason).toBe(first);
    expect(decide({ ...base, ...a }).reason).toBe(first);
  });

  test.each<[DecisionReason, Partial<DecideInput>]>([
    [
      "first-contact",
      {
        member: { ...member, paused: true, breaker: "first-contact" },
        credential: both,
        fromDomain: "broken.test",
        facts: unseen,
      },
    ],
    [
      "paused",
      {
        member: { ...member, paused: true },
        credential: both,
        fromDomain: "broken.test",
        facts: unseen,
      },
    ],
    ["domain-held", { credential: both, fromDomain: "broken.test", facts: unseen }],
    ["content", { facts: unseen, limits: { hour: now + 2 * HOUR } }],
  ])("among what holds: %s", (name, change) => {
    expect(decide({ ...base, ...change })).toMatchObject({ outcome: "hold", reason: name, waitMs: 0 });
  });
});
