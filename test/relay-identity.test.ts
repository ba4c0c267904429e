import { describe, expect, test } from "vitest";
import { client, member, signatures } from "./relay-harness.ts";
import { useRelay } from "./use-relay.ts";

const here = useRelay();
const mail = { from: "alice@member.test", to: "bob@a.test", subject: "x", text: "x" };
const bulk = {
  ...mail,
  list: { unsubscribe: { url: "https://member.test/u", comment: "" } },
  headers: { "List-Unsubscribe-Post": "List-Unsubscribe=One-Click" },
};

async function delivered(message: object = mail) {
  await client(here.bed).sendMail(message);
  await here.bed.relay.settle();
  const { raw, from } = here.sink.received.at(-1)!;
  return { raw, head: raw.slice(0, raw.indexOf("\r\n\r\n")).replace(/\r\n[ \t]+/g, " "), from };
}

const delegate = (returnPath: string | null) =>
  here.bed.book.apply({
    ...member,
    version: 2,
    domains: member.domains.map((domain) => ({ ...domain, returnPath })),
  });

describe("what Gmail and Microsoft look at", () => {
  test.each([
    ["delegated: SPF is aligned with From", "bounce.member.test"],
    ["not delegated: the pool's, and DKIM alone is aligned", null],
  ])("the envelope, %s", async (_name, returnPath) => {
    await delegate(returnPath);
    const { from, raw } = await delivered();
    expect(from).toMatch(/^b\+[a-z2-7]+@/);
    expect(from.slice(from.indexOf("@") + 1)).toBe(returnPath ?? "bounce.pool.test");
    expect(await signatures(raw, here.bed.clock.now())).toContain("member.test rsa-sha256 pass");
  });

  test("a retry comes from the same return path: a greylist knows it again", async () => {
    await delegate("bounce.member.test");
    here.sink.replies.rcpt = { "bob@a.test": [451, "4.7.1 Greylisted"] };
    await client(here.bed).sendMail(mail);
    await here.bed.relay.settle();
    here.bed.clock.advance(3_600_000);
    delete here.sink.replies.rcpt;
    await here.bed.relay.settle();
    const [message] = await here.bed.spool.messages(member.did);
    const said = (await here.bed.spool.attempts(message!.id)).map(
      ({ transcript }) => /MAIL FROM:<([^>]+)>/.exec(transcript)![1],
    );
    expect(said).toHaveLength(2);
    expect(new Set(said).size).toBe(1);
  });

  test("Feedback-ID has four parts, the member's without a colon, the sender's of 5 to 15 characters", async () => {
    const { head } = await delivered();
    const [, stream, handle, region, sender] = /^Feedback-ID: ([^:\r]+):([^:\r]+):([^:\r]+):([^:\r]+)$/m.exec(
      head,
    )!;
    expect([stream, handle]).toEqual(["transactional", member.handle]);
    expect(region).not.toBe("");
    expect(sender!.length).toBeGreaterThanOrEqual(5);
    expect(sender!.length).toBeLessThanOrEqual(15);
  });

  test("a list unsubscribes by one click, which is signed; other mail has no such field and says that it is automatic", async () => {
    const list = await delivered(bulk);
    expect(list.head).toMatch(/^Feedback-ID: bulk:/m);
    expect(list.head).not.toMatch(/^Auto-Submitted:/m);
    expect(list.head).toMatch(/^List-Unsubscribe-Post: List-Unsubscribe=One-Click$/m);
    const names = /\bh=([^;]+);/.exec(list.head)![1]!.toLowerCase().replace(/\s/g, "").split(":");
    expect(names).toEqual(
      expect.arrayContaining(["list-unsubscribe", "list-unsubscribe-post", "feedback-id"]),
    );
    const { head } = await delivered();
    expect(head).not.toMatch(/^List-Unsubscribe/m);
    expect(head).toMatch(/^Auto-Submitted: auto-generated$/m);
  });
});
