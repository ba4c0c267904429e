import PostalMime from "postal-mime";
import { describe, expect, test } from "vitest";
import { composeMessage, readRaw, type Envelope } from "./compose.ts";
import { comailMessage, newMessage } from "./schemas.ts";

const NOW = Date.UTC(2026, 0, 1, 12);
const least = { from: "PDS <noreply@member.test>", to: ["a@b.test"], subject: "Code", text: "123" };

async function octets(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function composed(json: object) {
  const envelope = composeMessage(newMessage.parse(json), NOW);
  const raw = await octets(envelope.source);
  return { ...envelope, raw: raw.toString("latin1"), mail: await PostalMime.parse(raw) };
}

test("everything that the JSON has is in the message, and Bcc only in the envelope", async () => {
  const { sender, recipients, raw, mail } = await composed({
    ...least,
    to: ["Zoë <a@b.test>", "A@B.test", "c@bücher.test"],
    cc: "d@e.test",
    bcc: ["hidden@f.test"],
    replyTo: "help@member.test",
    subject: "Grüße",
    text: "one\ntwo\r\nthree\rfour",
    html: '<img src="cid:logo">',
    headers: { "List-Unsubscribe": "<https://member.test/u>", "X-Order": "7" },
    attachments: [
      { filename: "logo.png", contentType: "image/png", content: "iVBORw==", contentId: "logo" },
      { filename: 'résumé ".txt', content: "aGk=" },
    ],
    inReplyTo: "<1@b.test>",
    references: ["<0@b.test>", "<1@b.test>"],
  });
  expect(sender).toBe("noreply@member.test");
  expect(recipients).toEqual(["a@b.test", "A@B.test", "c@xn--bcher-kva.test", "d@e.test", "hidden@f.test"]);
  expect(raw).not.toMatch(/hidden/);
  expect(raw).not.toMatch(/(^|[^\r])\n|\r[^\n]/);
  expect(Buffer.from(raw, "latin1").every((octet) => octet > 0 && octet < 128)).toBe(true);
  expect(mail).toMatchObject({
    from: { name: "PDS", address: "noreply@member.test" },
    replyTo: [{ address: "help@member.test" }],
    cc: [{ address: "d@e.test" }],
    subject: "Grüße",
    date: "2026-01-01T12:00:00.000Z",
    inReplyTo: "<1@b.test>",
    references: "<0@b.test> <1@b.test>",
  });
  expect(mail.text).toBe("one\ntwo\nthree\nfour\n");
  expect(mail.headers).toContainEqual({ key: "x-order", originalKey: "X-Order", value: "7" });
  expect(
    mail.attachments.map(({ filename, mimeType, contentId }) => [filename, mimeType, contentId]),
  ).toEqual([
    ["logo.png", "image/png", "<logo>"],
    ['résumé ".txt', "application/octet-stream", undefined],
  ]);
});

test.each([
  [{}, undefined, undefined],
  [{ category: "login-link" }, "transactional", 0],
  [{ category: "password-reset" }, "transactional", 0],
  [{ category: "mfa-otp" }, "transactional", 0],
  [{ category: "verification" }, "transactional", 0],
  [{ category: "transactional" }, "transactional", 1],
  [{ category: "broadcast" }, "bulk", 2],
  [{ category: "bulk", stream: "bulk" }, "bulk", 2],
  [{ stream: "bulk" }, "bulk", undefined],
])("%j is stream %s, priority %s", (more, stream, priority) => {
  expect(composeMessage(newMessage.parse({ ...least, ...more }), NOW)).toMatchObject({
    ...(stream && { stream }),
    ...(priority !== undefined && { priority }),
  });
});

describe("no field can begin another one", () => {
  const breaks = ["\r\n", "\n", "\r", "\0", "\u0085", "\v"];
  const places: [string, (text: string) => object][] = [
    ["from", (x) => ({ from: `a${x}Bcc: c@d.test <a@member.test>` })],
    ["to", (x) => ({ to: [`x${x}Bcc: c@d.test <a@b.test>`] })],
    ["subject", (x) => ({ subject: `a${x}Bcc: c@d.test` })],
    ["replyTo", (x) => ({ replyTo: `a${x}Bcc: c@d.test <a@b.test>` })],
    ["a header's value", (x) => ({ headers: { "X-A": `a${x}Bcc: c@d.test` } })],
    ["a header's name", (x) => ({ headers: { [`X-A: b${x}Bcc`]: "c@d.test" } })],
    ["a file name", (x) => ({ attachments: [{ filename: `a${x}Bcc: c@d.test`, content: "" }] })],
    [
      "a content type",
      (x) => ({ attachments: [{ filename: "a", contentType: `a/b${x}Bcc: c@d.test`, content: "" }] }),
    ],
    [
      "a content id",
      (x) => ({ attachments: [{ filename: "a", contentId: `a${x}Bcc:c@d.test`, content: "" }] }),
    ],
    ["inReplyTo", (x) => ({ inReplyTo: `<a@b>${x}Bcc: <c@d.test>` })],
    ["references", (x) => ({ references: [`<a${x}Bcc:c@d.test>`] })],
  ];
  test.each(places)("%s", (_name, make) => {
    for (const text of breaks)
      expect(newMessage.safeParse({ ...least, ...make(text) }), JSON.stringify(text)).toMatchObject({
        success: false,
      });
  });
});

describe("refused by the schema", () => {
  const many = Array.from({ length: 60 }, (_, i) => `r${i}@b.test`);
  test.each<[string, object, RegExp]>([
    ["no sender", { from: undefined }, /from/],
    ["two senders", { from: "a@member.test, b@member.test" }, /not one address/],
    ["an address without a domain", { to: ["a"] }, /not one address/],
    ["no recipient", { to: [] }, /1 to 100 recipients/],
    ["120 recipients", { to: many, bcc: many }, /1 to 100 recipients/],
    ["no content", { text: undefined }, /text, or html/],
    ["an unknown field", { sender: "a@b.test" }, /sender/],
    ["a field of the relay", { headers: { "DKIM-Signature": "v=1" } }, /written by the relay/],
    ["a field with a place of its own", { headers: { bcc: "c@d.test" } }, /written by the relay/],
    ["the boundary of a multipart", { headers: { "content-type": "text/plain" } }, /written by the relay/],
    ["a category of nobody", { category: "newsletter" }, /category/],
    ["two streams", { category: "broadcast", stream: "transactional" }, /not its category's/],
    ["what is not base64", { attachments: [{ filename: "a", content: "a-b_" }] }, /base64/],
    ["base64 cut off", { attachments: [{ filename: "a", content: "aGk" }] }, /base64/],
    [
      "a message in a message",
      { attachments: [{ filename: "a", contentType: "message/rfc822", content: "" }] },
      /cannot be attached/,
    ],
  ])("%s", (_name, change, why) => {
    const result = newMessage.safeParse({ ...least, ...change });
    expect(result.success ? "accepted" : result.error.message).toMatch(why);
  });

  test("comail's clients may say what nobody here knows", () => {
    expect(comailMessage.safeParse({ ...least, trackOpens: true }).success).toBe(true);
  });
});

describe("a raw message", () => {
  const NONE = new URLSearchParams();
  const read = (text: string, query = NONE) => readRaw(Buffer.from(text, "latin1"), query);

  test("of line ends alone takes no room and holds nobody up", () => {
    const text = `From: a@b.test\r\nTo: c@d.test\r\n\r\n${"\n".repeat(10_000_000)}`;
    const [begun, before] = [performance.now(), process.memoryUsage().rss];
    expect(read(text)).toHaveProperty("sender", "a@b.test");
    expect(performance.now() - begun).toBeLessThan(2_000);
    expect(process.memoryUsage().rss - before).toBeLessThan(300e6);
  });
  const head =
    "From: PDS <noreply@member.test>\nTo: A <a@b.test>, b@b.test\nCc: Team: c@b.test,\n d@b.test;\nBcc: e@b.test\n";

  test("has its envelope in the header, as with sendmail -t", () => {
    expect(read(`${head}\nhello`)).toMatchObject({
      sender: "noreply@member.test",
      recipients: ["a@b.test", "b@b.test", "c@b.test", "d@b.test", "e@b.test"],
    });
  });

  test("or in the query", () => {
    const query = new URLSearchParams("from=bounce@member.test&to=x@y.test&to=z@y.test,w@y.test");
    expect(read(`${head}\nhello`, query)).toMatchObject({
      sender: "bounce@member.test",
      recipients: ["x@y.test", "z@y.test", "w@y.test"],
    });
  });

  test.each([
    [
      "lines of a file",
      "From: a@b.test\nTo: c@d.test\n\nx\n.\ny",
      "From: a@b.test\r\nTo: c@d.test\r\n\r\nx\r\n.\r\ny\r\n",
    ],
    ["lines of a wire", "From: a@b.test\r\nTo: c@d.test\r\n\r\nx\r\n", undefined],
    ["both", "From: a@b.test\r\nTo: c@d.test\n\nx\r\r\n", "From: a@b.test\r\nTo: c@d.test\r\n\r\nx\r\r\n"],
  ])("%s end with CRLF", async (_name, text, expected = text) => {
    const bytes = await octets((read(text) as Envelope).source);
    expect(bytes.toString("latin1")).toBe(expected);
  });

  test.each<[string, string, string, RegExp]>([
    ["nothing", "", "", /no header/],
    ["a header without end", `X: ${"x".repeat(70_000)}`, "", /64 KiB/],
    ["no sender", "To: a@b.test\n\n", "", /sender is not one/],
    ["two senders", "From: a@b.test, c@d.test\nTo: a@b.test\n\n", "", /sender is not one/],
    ["two From fields", "From: a@b.test\nFrom: c@d.test\nTo: a@b.test\n\n", "", /sender is not one/],
    ["no recipient", "From: a@b.test\n\n", "", /0 recipients/],
    ["a recipient that is none", "From: a@b.test\nTo: undisclosed\n\n", "", /recipient is not an address/],
    ["a recipient in the query that is none", "From: a@b.test\nTo: a@b.test\n\n", "to=x", /recipient is not/],
  ])("%s is refused", (_name, text, query, why) => {
    expect(read(text, new URLSearchParams(query))).toMatchObject({ problem: expect.stringMatching(why) });
  });
});
