import { expect, test } from "vitest";
import type { Incoming } from "./index.ts";
import { makeReturnPath, makeToken } from "../protocol/verp/index.ts";
import { srsAddress } from "../protocol/srs/index.ts";
import {
  key,
  recipientId,
  returnPath,
  forged,
  spool,
  feedback,
  readingWith,
  by,
  clock,
  deliver,
  events,
  dsn,
  receive,
  useFeedback,
} from "./feedback.fixture.ts";

useFeedback();

const unknown = { authentication: by("elsewhere.test", "none") };

const MIB = 1024 * 1024;
const NOW = Date.UTC(2026, 0, 1);
test.each<[string, string, number | string]>([
  ["a return path", returnPath, MIB],
  ["one in capitals", returnPath.toUpperCase(), MIB],
  ["one at the name of a member that has left", returnPath.replace("alder", "gone"), MIB],
  ["a forged one", forged, "5.1.1"],
  [
    "one whose message is forgotten",
    makeReturnPath(makeToken("zzzzzzzzzzzzzzzz", key), "bounce.alder.test"),
    "5.1.6",
  ],
  ["a forward that is forgotten", srsAddress("zzzzzzzzzzzzzzzz", "bounce.coop.test", key, NOW), "5.1.6"],
  ["a forward of last summer", srsAddress(recipientId, "bounce.coop.test", key, NOW - 2e10), "5.1.6"],
  ["postmaster", "postmaster@coop.test", MIB],
  ["postmaster without a domain", "Postmaster", MIB],
  ["feedback loops", "FBL@coop.test", MIB],
  ["DMARC reports", "dmarc@coop.test", 10 * MIB],
  ["TLS reports", "tlsrpt@coop.test", 10 * MIB],
  ["abuse at a bounce name", "abuse@bounce.alder.test", MIB],
  ["postmaster at a bounce name", "postmaster@bounce.alder.test", MIB],
  ["reports at a bounce name", "dmarc@bounce.alder.test", "5.1.1"],
  ["postmaster of somebody else", "postmaster@elsewhere.test", "5.1.1"],
  ["somebody here", "someone@coop.test", "5.1.1"],
  ["a route through us", "postmaster%elsewhere.test@coop.test", "5.1.1"],
  ["nothing", "", "5.1.1"],
])("RCPT to %s", async (_, address, answer) => {
  const admission = await feedback.admit(address);
  expect(admission.ok ? admission.maxBytes : admission.enhanced).toBe(answer);
});

test("a DSN after the delivery becomes a late bounce of the member, once", async () => {
  await deliver();
  const bounce = dsn("failed", "5.1.1", "550 5.1.1 <late@bigmail.test> unknown user");
  expect(await receive(returnPath, bounce)).toEqual({ outcome: "bounced", recipientId });
  const [event] = await events();
  expect(event).toMatchObject({
    action_name: "recipient_bounced",
    data: {
      late: true,
      member: { did: "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa", domain: "alder.test" },
      recipient: { key: "key-of-late@bigmail.test" },
      smtp: { code: 550, enhanced: "5.1.1", class: "bad-mailbox" },
      detail: {
        spf: "pass bigmail.test",
        dkim: "none",
        dmarc: "pass bigmail.test",
        authentic: true,
        reporter: "bigmail.test",
      },
    },
  });
  expect(JSON.stringify(event)).not.toContain("<late@bigmail.test>");
  expect((await spool.messageByRecipient(recipientId))!.recipients[0]!.state).toBe("bounced");
  expect(await receive(returnPath, bounce)).toEqual({
    outcome: "ignored",
    why: "recipient is bounced",
  });
  expect(await events()).toHaveLength(1);
});

test.each([
  ["queued", "too-early"],
  ["deferred", "too-early"],
  ["held", "too-early"],
  ["delivered", "bounced"],
  ["bounced", "ignored"],
  ["expired", "ignored"],
  ["returned", "ignored"],
] as const)("a DSN that finds its recipient %s: %s", async (state, outcome) => {
  await spool.record([{ recipientId, state, nextAt: 0, events: [] }], NOW);
  const bounce = dsn("failed", "5.1.1", "550 5.1.1 unknown user");
  expect(await receive(returnPath, bounce)).toMatchObject({ outcome });
  expect(await events()).toHaveLength(outcome === "bounced" ? 1 : 0);
});

test.each<[string, Partial<Incoming>, boolean]>([
  ["of the recipient's domain", {}, true],
  ["of the host that took the message", { ...unknown, ip: "198.51.100.7" }, true],
  ["of nobody known", unknown, false],
  ["of the recipient itself, by a mailbox there", { mailFrom: "late@bigmail.test" }, false],
])("a DSN %s counts once, and the event says whether it is authentic", async (_, more, authentic) => {
  await deliver("mx9.host.test [198.51.100.7]");
  const heard: boolean[] = [];
  readingWith({
    aftermath: async (_message, _recipient, what) =>
      void (what.kind === "bounced" && heard.push(what.authentic)),
  });
  const bounce = dsn("failed", "5.1.1", "550 5.1.1 unknown user");
  expect(await receive(returnPath, bounce, more)).toMatchObject({ outcome: "bounced" });
  expect(await receive(returnPath, bounce, more)).toMatchObject({ outcome: "ignored" });
  expect((await events()).map(({ data }) => data.detail?.["authentic"])).toEqual([authentic]);
  expect(heard).toEqual([authentic]);
});

test("a DSN that names somebody else is not taken for authentic", async () => {
  await deliver();
  const bounce = Buffer.from(
    dsn("failed", "5.1.1", "550 5.1.1 unknown user").toString().replace("late@", "eve@"),
  );
  await receive(returnPath, bounce);
  expect((await events()).map(({ data }) => data.detail?.["authentic"])).toEqual([false]);
});

test.each([
  [6, "bounced"],
  [8, "ignored"],
])("a DSN %i days after the delivery is %s", async (days, outcome) => {
  await deliver();
  clock.advance(days * 86_400_000);
  expect(await receive(returnPath, dsn("failed", "5.1.1", "550 x"))).toMatchObject({ outcome });
  expect(await events()).toHaveLength(outcome === "bounced" ? 1 : 0);
});

test("a delay notice changes nothing", async () => {
  await deliver();
  expect(await receive(returnPath, dsn("delayed", "4.4.1", "timeout"))).toEqual({
    outcome: "ignored",
    why: "delayed",
  });
});
