import { describe, expect, test } from "vitest";
import { hashSecret, secretKey, type MemberPolicy } from "../../src/policy/index.ts";
import { useApi } from "../messages-api-harness.ts";
import { member } from "../relay-harness.ts";

const here = useApi();

describe("POST /v1/send, comail's shape", () => {
  const body = { from: "noreply@member.test", to: "a@a.test", subject: "Code", text: "123" };

  test("answers as comail does", async () => {
    const answer = await here.api.send({
      ...body,
      html: "<p>123</p>",
      replyTo: "help@member.test",
      headers: { "X-Order": "7" },
      category: "mfa-otp",
      unknown: true,
    });
    expect(answer).toMatchObject({
      status: 200,
      body: {
        accepted: [{ recipient: "a@a.test", messageId: expect.any(Number), id: expect.any(String) }],
        rejected: [],
      },
    });
    expect(Number.isSafeInteger(answer.body.accepted[0]!.messageId)).toBe(true);
    await here.bed.relay.settle();
    expect(here.sink.received[0]!.raw).toMatch(/^X-Order: 7\r\n/m);
    expect(here.sink.received[0]!.raw).toMatch(/^Reply-To: help@member\.test\r\n/m);
  });

  test("the DID in the query, several recipients, one of them suppressed", async () => {
    const answer = await here.api.send(
      { ...body, to: ["a@a.test", "gone@a.test"] },
      { "x-atmos-did": "" },
      `?did=${member.did}`,
    );
    expect(answer).toMatchObject({
      status: 200,
      body: {
        accepted: [{ recipient: "a@a.test" }],
        rejected: [
          { recipient: "gone@a.test", reason: expect.stringMatching(/complained/), code: "suppressed" },
        ],
      },
    });
    expect((await here.api.send({ ...body, to: "gone@a.test" })).body).toMatchObject({
      accepted: [],
      rejected: [{ recipient: "gone@a.test" }],
    });
  });

  test("a key under which nobody was accepted may be used again", async () => {
    const key = { "idempotency-key": "k1" };
    expect((await here.api.send({ ...body, to: "gone@a.test" }, key)).body.accepted).toEqual([]);
    expect((await here.api.send(body, key)).body.accepted).toHaveLength(1);
  });

  test.each(["login-link", "password-reset", "mfa-otp", "verification"])(
    "%s leaves first",
    async (category) => {
      const { body: sent } = await here.api.send({ ...body, category });
      expect(await here.bed.spool.message(sent.accepted[0]!.id)).toMatchObject({
        stream: "transactional",
        priority: 0,
      });
    },
  );

  test("broadcast is bulk", async () => {
    const headers = {
      "List-Unsubscribe": "<https://member.test/u>",
      "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    };
    const { body: sent } = await here.api.send({ ...body, category: "broadcast", headers });
    expect(await here.bed.spool.message(sent.accepted[0]!.id)).toMatchObject({
      stream: "bulk",
      priority: 2,
    });
  });

  test.each<[string, Partial<MemberPolicy>, unknown, Record<string, string>, number, string]>([
    ["no key", {}, body, { authorization: "" }, 400, "AUTH_REQUIRED"],
    ["no DID", {}, body, { "x-atmos-did": "" }, 400, "AUTH_REQUIRED"],
    ["no DID of ours", {}, body, { "x-atmos-did": "did:key:z6Mk" }, 400, "INVALID_DID"],
    ["a handle", {}, body, { "x-atmos-did": "alice.test" }, 400, "INVALID_DID"],
    ["a wrong key", {}, body, { authorization: "Bearer wrong" }, 401, "AUTH_FAILED"],
    ["an unknown member", {}, body, { "x-atmos-did": "did:plc:carol" }, 401, "AUTH_FAILED"],
    [
      "another's key",
      {},
      body,
      { "x-atmos-did": "did:plc:bob", authorization: "Bearer secret" },
      401,
      "AUTH_FAILED",
    ],
    ["suspended", { standing: "suspended" }, body, {}, 403, "MEMBER_SUSPENDED"],
    ["another's domain", {}, { ...body, from: "a@other.test" }, {}, 403, "DOMAIN_MISMATCH"],
    ["no JSON", {}, "{", {}, 400, "INVALID_REQUEST"],
    ["no recipient", {}, { ...body, to: [] }, {}, 400, "INVALID_REQUEST"],
    ["no subject", {}, { ...body, subject: undefined }, {}, 400, "INVALID_REQUEST"],
    ["no text", {}, { ...body, text: undefined }, {}, 400, "INVALID_REQUEST"],
    ["a reserved field", {}, { ...body, headers: { From: "x@y.test" } }, {}, 400, "INVALID_REQUEST"],
    ["a field that begins another", {}, { ...body, subject: "a\nBcc: x@y.test" }, {}, 400, "INVALID_REQUEST"],
    ["an unknown category", {}, { ...body, category: "x" }, {}, 400, "INVALID_REQUEST"],
    ["over 1 MiB", {}, { ...body, text: "x".repeat(1_100_000) }, {}, 413, "INVALID_REQUEST"],
  ])("%s", async (_name, policy, request, headers, status, code) => {
    await here.change(policy);
    expect(await here.api.send(request, headers)).toMatchObject({
      status,
      body: { code, error: expect.any(String) },
    });
  });

  test("the key is found however many the member has, and a revoked one is never let in", async () => {
    const many = Array.from({ length: 300 }, (_, i) => ({
      ...member.credentials[0]!,
      id: `c${i}`,
      username: `u${i}`,
      hash: hashSecret(`u${i}`, `secret${i}`),
      key: secretKey(member.did, `secret${i}`),
      revoked: i === 250,
    }));
    await here.change({
      credentials: [...many, member.credentials[0]!],
      gone: [secretKey(member.did, "old")],
    });
    const status = async (secret: string) =>
      (await here.api.send(body, { authorization: `Bearer ${secret}` })).status;
    for (const secret of ["secret0", "secret299", "secret"]) expect(await status(secret)).toBe(200);
    for (const secret of ["secret250", "secret300", "old"]) expect(await status(secret)).toBe(401);
  });

  test("over a limit", async () => {
    await here.change({ credentials: [{ ...member.credentials[0]!, hourly: 2 }] });
    let answer = await here.api.send(body);
    for (let i = 0; i < 5 && answer.status === 200; i++) answer = await here.api.send(body);
    expect(answer).toMatchObject({ status: 429, body: { code: "RATE_LIMITED" } });
    expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
  });
});
