import { describe, expect, test } from "vitest";
import { comailAnswer, comailRefusal, messageAnswer, refusalAnswer } from "./outcome.ts";
import type { Refusal, SubmitResult } from "../../relay/index.ts";

const refusal = (reason: string, code: number, text = "Words"): Refusal => ({
  code,
  enhanced: code < 500 ? "4.7.1" : "5.7.1",
  reason,
  text: `${text} [${reason}]`,
});
const suppressed = { ...refusal("suppressed", 550), enhanced: "5.1.1", address: "b@b.test" };
const ok: SubmitResult = {
  ok: true,
  id: "abcdefghijklmnop",
  state: "queued",
  waitMs: 0,
  reason: "ok",
  text: "Queued as abcdefghijklmnop",
  recipients: [],
};
const NOW = Date.UTC(2026, 0, 1);

describe("a refusal in HTTP", () => {
  test.each<[string, number, number, number, string]>([
    ["auth", 535, 401, 401, "AUTH_FAILED"],
    ["auth", 421, 429, 429, "RATE_LIMITED"],
    ["revoked", 535, 401, 401, "AUTH_FAILED"],
    ["suspended", 550, 403, 403, "MEMBER_SUSPENDED"],
    ["ejected", 550, 403, 403, "MEMBER_SUSPENDED"],
    ["applicant", 550, 403, 403, "MEMBER_SUSPENDED"],
    ["left", 550, 403, 403, "MEMBER_SUSPENDED"],
    ["foreign-domain", 550, 403, 403, "DOMAIN_MISMATCH"],
    ["stream", 550, 403, 403, "INVALID_REQUEST"],
    ["bulk-on-probation", 550, 403, 403, "INVALID_REQUEST"],
    ["malformed", 550, 400, 400, "INVALID_REQUEST"],
    ["loop", 550, 422, 400, "INVALID_REQUEST"],
    ["too-many-at-once", 550, 422, 400, "INVALID_REQUEST"],
    ["too-large", 552, 413, 413, "INVALID_REQUEST"],
    ["over-limit", 451, 429, 429, "RATE_LIMITED"],
    ["over-pool-limit", 451, 429, 429, "RATE_LIMITED"],
    ["spray", 451, 429, 429, "RATE_LIMITED"],
    ["dead-contacts", 451, 429, 429, "RATE_LIMITED"],
    ["held-full", 451, 429, 429, "RATE_LIMITED"],
    ["disk-full", 452, 503, 503, "QUEUE_FULL"],
    ["internal", 451, 503, 503, "TEMPORARILY_UNAVAILABLE"],
    ["of-another-day", 451, 503, 503, "TEMPORARILY_UNAVAILABLE"],
    ["of-another-day", 554, 422, 400, "INVALID_REQUEST"],
  ])("%s, %i is %i, for comail's clients %i %s", (reason, code, status, comailStatus, comailCode) => {
    const answer = refusalAnswer(refusal(reason, code));
    expect(answer).toMatchObject({ status, body: { message: "Words", reason, link: null } });
    expect(comailRefusal(refusal(reason, code))).toMatchObject({
      status: comailStatus,
      body: { error: "Words", code: comailCode },
    });
    expect(answer.retryAfterS !== undefined).toBe(status === 429 || status === 503);
  });

  test("has the seconds of the reply, and the link in it", () => {
    expect(
      refusalAnswer(refusal("over-limit", 451, "Over the limit, try again in 754 seconds")).retryAfterS,
    ).toBe(754);
    expect(refusalAnswer({ ...refusal("over-limit", 451), waitMs: 1_001 }).retryAfterS).toBe(2);
    expect(
      refusalAnswer(refusal("suspended", 550, "Suspended: bounces See https://coop.test/members/did:plc:a."))
        .body.link,
    ).toBe("https://coop.test/members/did:plc:a");
  });
});

describe("an acceptance", () => {
  const to = ["a@b.test", "b@b.test"];

  test("says what became of each recipient, in the order of the request", () => {
    expect(messageAnswer({ ...ok, recipients: [suppressed] }, to, NOW)).toMatchObject({
      status: 202,
      body: {
        id: ok.id,
        state: "queued",
        leavesAt: "2026-01-01T00:00:00.000Z",
        recipients: [
          { address: "a@b.test", status: "accepted", code: 250, reason: "ok" },
          { address: "b@b.test", status: "refused", code: 550, enhanced: "5.1.1", reason: "suppressed" },
        ],
      },
    });
  });

  test.each<[Partial<SubmitResult>, string | null]>([
    [{ state: "paced", waitMs: 90_000, reason: "paced" }, "2026-01-01T00:01:30.000Z"],
    [{ state: "held", waitMs: 0, reason: "paused" }, null],
  ])("%j leaves at %s", (change, leavesAt) => {
    const { body } = messageAnswer({ ...ok, ...change } as SubmitResult, to, NOW);
    expect(body).toMatchObject({ leavesAt, recipients: [{ status: "accepted", reason: change.reason }, {}] });
  });

  test("for comail's clients has a number", () => {
    expect(comailAnswer({ ...ok, recipients: [suppressed] }, to)).toEqual({
      status: 200,
      taken: true,
      body: {
        accepted: [{ recipient: "a@b.test", messageId: 292_897_998_658, id: ok.id }],
        rejected: [{ recipient: "b@b.test", reason: "Words", code: "suppressed" }],
      },
    });
  });
});

test("nobody accepted: for comail's clients an empty list, else 422", () => {
  const none: SubmitResult = { ok: false, ...suppressed, recipients: [suppressed] };
  expect(comailAnswer(none, ["b@b.test"])).toMatchObject({
    status: 200,
    body: { accepted: [], rejected: [{ recipient: "b@b.test" }] },
  });
  expect(messageAnswer(none, ["b@b.test"], NOW)).toMatchObject({
    status: 422,
    body: { error: "NotAccepted", recipients: [{ address: "b@b.test", status: "refused" }] },
  });
});
