import { Validator } from "@seriousme/openapi-schema-validator";
import { describe, expect, test } from "vitest";
import { hashSecret, type MemberPolicy } from "../src/policy/index.ts";
import { asBob, login, mail, useApi } from "./messages-api-harness.ts";
import { client, member, refusal, signatures, toldActions } from "./relay-harness.ts";

const here = useApi();

describe("POST /v1/messages", () => {
  test("JSON goes the way of SMTP: decided, signed, on disk, told, delivered", async () => {
    const { status, body, headers } = await here.api.post({
      ...mail,
      bcc: ["hidden@b.test"],
      category: "login-link",
      html: "<p>Your code is 123</p>",
      attachments: [{ filename: "a.txt", contentType: "text/plain", content: "aGk=" }],
    });
    expect(status).toBe(202);
    expect(headers.get("cache-control")).toBe("no-store");
    expect(body).toMatchObject({
      state: "queued",
      leavesAt: "2026-01-01T12:00:00.000Z",
      recipients: [
        { address: "a@a.test", status: "accepted", code: 250, reason: "ok" },
        { address: "hidden@b.test", status: "accepted" },
      ],
    });
    expect(await here.bed.spool.message(body.id)).toMatchObject({
      did: member.did,
      credential: "c1",
      sender: "noreply@member.test",
      stream: "transactional",
      priority: 0,
    });
    await here.bed.relay.settle();
    expect(here.sink.received.map(({ to }) => to).toSorted()).toEqual(["a@a.test", "hidden@b.test"]);
    const { raw } = here.sink.received[0]!;
    expect(raw).not.toMatch(/hidden/);
    expect(raw).toMatch(/^Received: .* with HTTP id /m);
    expect(await signatures(raw, here.clock.now())).toEqual([
      "member.test rsa-sha256 pass",
      "member.test ed25519-sha256 pass",
      "pool.test rsa-sha256 pass",
    ]);
    expect(await toldActions(here.bed)).toEqual([
      "message_accepted",
      "recipient_delivered",
      "recipient_delivered",
    ]);
  });

  test("a raw message too, its Bcc removed", async () => {
    const text = "From: noreply@member.test\nTo: a@a.test\nBcc: b@b.test\nSubject: x\n\nhello\n.\nbye\n";
    const { status, body } = await here.api.raw(text);
    expect([status, body.recipients.length]).toEqual([202, 2]);
    await here.bed.relay.settle();
    expect(here.sink.received).toHaveLength(2);
    expect(here.sink.received[0]!.raw).toMatch(/\r\n\r\nhello\r\n\.\r\nbye\r\n$/);
    expect(here.sink.received[0]!.raw).not.toMatch(/b@b\.test/);
  });

  test("a raw message with an envelope of its own", async () => {
    const text = "From: noreply@member.test\nTo: everybody@a.test\n\nhello\n";
    await here.api.raw(text, "?from=bounces@member.test&to=one@a.test");
    await here.bed.relay.settle();
    expect(here.sink.received.map(({ to }) => to)).toEqual(["one@a.test"]);
    const { body } = await here.api.ask("GET", "/messages");
    expect(body.messages[0]!.from).toBe("bounces@member.test");
  });

  test("each recipient has its own answer", async () => {
    const { status, body } = await here.api.post({ ...mail, to: ["a@a.test", "gone@a.test"] });
    expect(status).toBe(202);
    expect(body.recipients).toMatchObject([
      { address: "a@a.test", status: "accepted" },
      { address: "gone@a.test", status: "refused", code: 550, enhanced: "5.1.1", reason: "suppressed" },
    ]);
    const none = await here.api.post({ ...mail, to: ["gone@a.test"] });
    expect(none).toMatchObject({ status: 422, body: { reason: "suppressed", recipients: [{}] } });
  });

  test.each<[string, Partial<MemberPolicy>, object, number, string]>([
    ["another's domain", {}, { from: "a@other.test" }, 403, "foreign-domain"],
    ["a suspended member", { standing: "suspended" }, {}, 403, "suspended"],
    ["an applicant", { membership: "applicant" }, {}, 403, "applicant"],
    ["who has left", { membership: "left" }, {}, 403, "left"],
    ["bulk on probation", { standing: "probation" }, { stream: "bulk" }, 403, "bulk-on-probation"],
    ["a line that no server takes", {}, { headers: { "X-Long": "x".repeat(1_500) } }, 400, "malformed"],
    [
      "a field that only one may be",
      {},
      { headers: { "Message-ID": "<1@a>", "message-id": "<2@a>" } },
      400,
      "malformed",
    ],
  ])("%s is refused as at SMTP, with the link", async (_name, policy, more, status, reason) => {
    const url = "https://coop.test/members/alice";
    await here.change({ ...policy, reason: { text: "Too many bounces.", url } });
    const answer = await here.api.post({ ...mail, ...more });
    expect(answer).toMatchObject({ status, body: { reason } });
    if (policy.standing) expect(answer.body.link).toBe(url);
    expect(here.sink.received).toEqual([]);
  });

  test("a held domain: accepted, and it says that it waits", async () => {
    await here.change({ domains: [{ ...member.domains[0]!, status: "held" }] });
    expect(await here.api.post(mail)).toMatchObject({
      status: 202,
      body: { state: "held", leavesAt: null, recipients: [{ status: "accepted", reason: "domain-held" }] },
    });
  });

  test("over a limit: first paced, then 429 with the seconds, and SMTP has nothing left either", async () => {
    await here.change({ credentials: [{ ...member.credentials[0]!, hourly: 12 }] });
    const answers = [];
    for (let i = 0; i < 20 && answers.at(-1)?.status !== 429; i++) answers.push(await here.api.post(mail));
    const over = answers.pop()!;
    expect(over).toMatchObject({ status: 429, body: { reason: "over-credential-limit" } });
    expect(over.body.message).toContain(`try again in ${over.headers.get("retry-after")} seconds`);
    const { body: paced } = answers.at(-1)!;
    expect(paced).toMatchObject({
      state: "paced",
      recipients: [{ status: "accepted", reason: "paced" }],
    });
    const wait = Date.parse(paced.leavesAt) - here.clock.now();
    expect(wait).toBeGreaterThan(0);
    expect(wait).toBeLessThanOrEqual(600_000);
    const smtp = client(here.bed).sendMail({ from: mail.from, to: "a@a.test", subject: "x", text: "y" });
    expect(await refusal(smtp)).toMatch(/^451 4\.7\.1 .*\[over-credential-limit\]/);
  });

  test("what a stolen credential sends to strangers is held by the same breaker, and says so", async () => {
    let strangers = 0;
    let held: Awaited<ReturnType<typeof here.api.post>> | undefined;
    while (strangers < 200 && !held) {
      const to = Array.from({ length: 10 }, (_, i) => `r${strangers + i}@a.test`);
      const answer = await here.api.post({ ...mail, to });
      if (answer.body.state === "held") held = answer;
      else strangers += to.length;
    }
    expect(strangers).toBeLessThanOrEqual(50);
    expect(held).toMatchObject({
      status: 202,
      body: { leavesAt: null, recipients: Array.from({ length: 10 }, () => ({ reason: "content" })) },
    });
  });

  test.each<[string, RequestInit & { duplex?: "half" }, number, string]>([
    ["no JSON", { body: "{" }, 400, "malformed"],
    ["no UTF-8", { body: Buffer.from([0x22, 0xff, 0x22]) }, 400, "malformed"],
    ["an array", { body: "[]" }, 400, "malformed"],
    ["nothing", {}, 400, "malformed"],
    [
      "a field that begins another",
      { body: JSON.stringify({ ...mail, subject: "a\r\nBcc: c@d.test" }) },
      400,
      "malformed",
    ],
    [
      "another type",
      { body: "from=a", headers: { "content-type": "application/x-www-form-urlencoded" } },
      400,
      "malformed",
    ],
    ["the name of a property", { body: "x", headers: { "content-type": "constructor" } }, 400, "malformed"],
    ["a bad key", { body: JSON.stringify(mail), headers: { "idempotency-key": "a b" } }, 400, "malformed"],
    ["27 MiB", { body: " ".repeat(27 * 1024 * 1024) }, 413, "too-large"],
  ])("%s", async (_name, init, status, reason) => {
    const headers = { "content-type": "application/json", ...(init.headers as Record<string, string>) };
    expect(await here.api.ask("POST", "/messages", { ...init, headers })).toMatchObject({
      status,
      body: { reason },
    });
    expect(await here.bed.spool.openCount()).toBe(0);
  });

  test("size is counted as it comes, and the message's own limit is that of SMTP", async () => {
    await here.again({ maxSize: 10_000 });
    const body = new ReadableStream({
      pull: (controller) => controller.enqueue(Buffer.alloc(5_000, "x")),
    });
    const type = { "content-type": "message/rfc822" };
    expect(await here.api.ask("POST", "/messages", { body, duplex: "half", headers: type })).toMatchObject({
      status: 413,
      body: { reason: "too-large" },
    });
    await here.again();
    const content = Buffer.alloc(19 * 1024 * 1024).toString("base64");
    expect(await here.api.post({ ...mail, attachments: [{ filename: "a", content }] })).toMatchObject({
      status: 413,
      body: { reason: "too-large" },
    });
  });
});

describe("GET /v1/messages", () => {
  test("a message with every recipient and every attempt, for its member alone", async () => {
    here.sink.replies.rcpt = { "full@b.test": [452, "4.2.2 mailbox full"] };
    const { body: sent } = await here.api.post({ ...mail, to: ["a@a.test", "full@b.test"] });
    await here.bed.relay.settle();
    const { status, body } = await here.api.ask("GET", `/messages/${sent["id"]}`);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      id: sent["id"],
      from: "noreply@member.test",
      credential: "c1",
      recipients: [
        { address: "a@a.test", state: "delivered", nextAttemptAt: null, attempts: [{ code: 250 }] },
        { address: "full@b.test", state: "deferred", attempts: [{ code: 452, enhanced: "4.2.2" }] },
      ],
    });
    const [attempt] = body.recipients[1]!.attempts;
    expect(attempt!.text).toMatch(/mailbox full/);
    expect(attempt!.tls).toMatch(/TLSv1/);
    expect(attempt!.conversation).toMatch(/RCPT TO/);
    expect(Date.parse(body.recipients[1]!.nextAttemptAt)).toBeGreaterThan(here.clock.now());
    const stranger = { headers: asBob };
    expect(await here.api.ask("GET", `/messages/${sent["id"]}`, stranger)).toMatchObject({
      status: 404,
      body: { reason: "not-found" },
    });
    expect((await here.api.ask("GET", "/messages", stranger)).body).toEqual({ messages: [], next: null });
  });

  test("it says how each attempt travelled and what it means, and what was told of it", async () => {
    here.sink.replies.rcpt = { "a@a.test": [550, "5.1.1 No such user"] };
    const { body } = await here.api.post(mail);
    await here.bed.relay.settle();
    const detail = await here.api.ask("GET", `/messages/${body.id}`);
    expect(detail.body).toMatchObject({
      requireTls: false,
      recipients: [
        {
          state: "bounced",
          attempts: [
            {
              class: "bad-mailbox",
              permanent: true,
              fault: "recipient",
              rule: null,
              tlsPolicy: "floor",
              means: expect.stringContaining("ask the person for another"),
              conversation: expect.stringMatching(/C: EHLO [^]*C: STARTTLS[^]*S: 550 5\.1\.1 No such user/),
            },
          ],
        },
      ],
      notices: [
        {
          kind: "failed",
          recipient: "a@a.test",
          status: "5.1.1",
          sentTo: "noreply@member.test",
          text: expect.stringContaining("550 5.1.1 No such user"),
        },
      ],
    });
  });

  test("requireTls is REQUIRETLS: what no host may have under it comes back", async () => {
    const { status, body } = await here.api.post({ ...mail, requireTls: true });
    expect(status).toBe(202);
    await here.bed.relay.settle();
    const detail = await here.api.ask("GET", `/messages/${body.id}`);
    expect(detail.body).toMatchObject({ requireTls: true, recipients: [{ state: "bounced" }] });
  });

  test("another credential of the same member sees nothing of it", async () => {
    const { body: sent } = await here.api.post(mail);
    const own = member.credentials[0]!;
    const blog = { ...own, id: "c9", username: "blog", hash: hashSecret("blog", "secret9") };
    await here.change({ credentials: [own, blog] });
    const asBlog = { headers: { authorization: login("blog", "secret9") } };
    expect(await here.api.ask("GET", `/messages/${sent.id}`, asBlog)).toMatchObject({ status: 404 });
    expect((await here.api.ask("GET", "/messages", asBlog)).body).toEqual({ messages: [], next: null });
    expect((await here.api.ask("GET", "/messages")).body.messages).toMatchObject([{ id: sent.id }]);
  });

  test("the list, page by page", async () => {
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) ids.unshift((await here.api.post(mail)).body.id);
    const seen: string[] = [];
    let next: string | null = "";
    while (next !== null) {
      const { body } = await here.api.ask("GET", `/messages?limit=2${next && `&before=${next}`}`);
      seen.push(...body.messages.map((m: { id: string }) => m.id));
      next = body.next;
    }
    expect(seen).toEqual(ids);
  });

  test.each(["limit=0", "limit=101", "limit=x", "before=x", "before=-1"])("%s: 400", async (query) => {
    expect((await here.api.ask("GET", `/messages?${query}`)).status).toBe(400);
  });
});

describe("the description", () => {
  test("is OpenAPI 3.1 to a validator", async () => {
    const validator = new Validator();
    expect(await validator.validate(structuredClone(here.api.description))).toEqual({ valid: true });
    expect(validator.version).toBe("3.1");
  });

  test("the validator sees a fault", async () => {
    const { paths: _, ...broken } = here.api.description as Record<string, unknown>;
    const result = await new Validator().validate({ ...broken, paths: { messages: 1 } });
    expect(result.valid).toBe(false);
  });
});

test("what was refused before the relay saw it is counted too", async () => {
  await here.api.post({});
  expect(await here.api.metrics.registry.getSingleMetricAsString("atmos_submissions_total")).toMatch(
    /outcome="refuse",reason="malformed"\} 1/,
  );
});
