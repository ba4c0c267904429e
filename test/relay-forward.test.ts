import { dkimSign } from "mailauth/lib/dkim/sign.js";
import { authenticate } from "mailauth";
import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Feedback } from "../src/feedback/index.ts";
import type { Inbox } from "../src/inbox/index.ts";
import { forwardEntry } from "../src/roles/forward-entry.ts";
import { authentic, feedbackOf, incoming } from "./relay-feedback.ts";
import { client, dkimZone, member, told } from "./relay-harness.ts";
import { useRelay } from "./use-relay.ts";

const here = useRelay();
const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const publicKey = createPublicKey(privateKey).export({ type: "spki", format: "der" }).toString("base64");

let feedback: Feedback;
let inbox: Inbox;
let close: () => void;
beforeEach(async () => {
  await here.bed.book.apply({ ...member, version: 2, replies: "ops@a.test" });
  ({ feedback, inbox, close } = feedbackOf(here.bed, { rolesTo: "rosa@a.test" }));
});
afterEach(() => close());

async function returnPath(): Promise<string> {
  await client(here.bed).sendMail({
    from: "alice@member.test",
    to: "bob@a.test",
    subject: "code",
    text: "1",
  });
  await here.bed.relay.settle();
  return here.sink.received.find((m) => m.to === "bob@a.test")!.from;
}

const letter = (...more: string[]) =>
  ["From: Bob <bob@a.test>", "To: x", "Subject: Re: code", ...more, "", "Thank you", ""].join("\r\n");
const bounceOf = (address: string) =>
  [
    'Content-Type: multipart/report; report-type=delivery-status; boundary="b"',
    "",
    "--b",
    "Content-Type: message/delivery-status",
    "",
    "Reporting-MTA: dns; mx.a.test",
    "",
    `Final-Recipient: rfc822; ${address}`,
    "Action: failed",
    "Status: 5.1.1",
    "",
    "--b--",
    "",
  ].join("\r\n");
const bob = { mailFrom: "bob@a.test" };
const arrived = (to: string) => here.sink.received.filter((m) => m.to === to);

/** The mail as its next receiver judges it. */
async function judged(raw: string, from: string) {
  return authenticate(Buffer.from(raw, "latin1"), {
    ip: "192.0.2.1",
    helo: "relay.pool.test",
    sender: from,
    mta: "mx.a.test",
    disableBimi: true,
    resolver: async (name, type) => {
      const zone: Record<string, string> = {
        ...dkimZone,
        "s1._domainkey.a.test": `v=DKIM1; k=rsa; p=${publicKey}`,
        "bounce.pool.test": "v=spf1 ip4:192.0.2.1 -all",
      };
      if (type === "TXT" && zone[name]) return [[zone[name]]];
      throw Object.assign(new Error("no such name"), { code: "ENOTFOUND" });
    },
  });
}

describe("a reply that is sent on", () => {
  test("has an envelope sender of ours, the seal of ARC, and its own signature still holds", async () => {
    const at = await returnPath();
    const key = {
      signingDomain: "a.test",
      selector: "s1",
      privateKey: privateKey.export({ type: "pkcs8", format: "pem" }),
    };
    const { signatures } = await dkimSign(letter(), { ...key, signatureData: [key] });
    const received = await feedback.receive(incoming(at, signatures + letter(), bob));
    expect(received).toMatchObject({ outcome: "forwarded" });
    await here.bed.relay.settle();
    const { raw, from } = arrived("ops@a.test")[0]!;
    expect(from).toMatch(/^SRS0=[a-z2-7]{16}=[a-z2-7]{2}=[a-z2-7]{16}@bounce\.pool\.test$/);
    const result = await judged(raw, from);
    expect(result.spf && result.spf.status.result).toBe("pass");
    expect(result.arc && result.arc.status.result).toBe("pass");
    expect(
      result.dkim.results.map(({ signingDomain, status }) => `${signingDomain} ${status.result}`).toSorted(),
    ).toEqual(["a.test pass", "pool.test pass"]);
    expect(raw).toMatch(/^ARC-Authentication-Results: i=1; relay\.pool\.test;/m);
    expect(raw).toMatch(/^X-Atmos-Forwarded: pool\.test; id=/m);
  });

  test("goes once, however often it comes, and at the same moment", async () => {
    const mail = incoming(await returnPath(), letter(), bob);
    await Promise.all([feedback.receive(mail), feedback.receive(mail)]);
    await feedback.receive(mail);
    await here.bed.relay.settle();
    expect(arrived("ops@a.test")).toHaveLength(1);
  });

  test("tells core nothing, and counts for nobody", async () => {
    const at = await returnPath();
    const before = (await told(here.bed)).length;
    await feedback.receive(incoming(at, letter(), bob));
    await here.bed.relay.settle();
    expect(await told(here.bed)).toHaveLength(before);
  });

  test("that comes back ends here", async () => {
    await feedback.receive(incoming(await returnPath(), letter(), bob));
    await here.bed.relay.settle();
    const { from } = arrived("ops@a.test")[0]!;
    const before = here.sink.received.length;
    const bounce = bounceOf("ops@a.test");
    expect(await feedback.admit(from)).toMatchObject({ ok: true });
    expect(await feedback.receive(incoming(from, bounce))).toMatchObject({ outcome: "bounced" });
    expect(await feedback.receive(incoming(from, letter(), bob))).toMatchObject({ outcome: "ignored" });
    await here.bed.relay.settle();
    expect(here.sink.received).toHaveLength(before);
  });

  test.each<[string, string]>([
    ["that we sent on before", letter("X-Atmos-Forwarded: pool.test; id=x")],
    ["that passed many hosts", letter(...Array.from({ length: 26 }, (_, i) => `Received: by h${i}; now`))],
  ])("a mail %s is a loop", async (_, raw) => {
    expect(await feedback.receive(incoming(await returnPath(), raw, bob))).toMatchObject({ code: 554 });
  });

  test.each(["ops@pool.test", "x@bounce.pool.test"])("nothing is sent on to %s", async (replies) => {
    await here.bed.book.apply({ ...member, version: 3, replies });
    expect(await feedback.receive(incoming(await returnPath(), letter(), bob))).toMatchObject({ code: 554 });
  });

  test("ten at once by one return path, in whatever case it is written, and thirty for a member", async () => {
    const outcomes: string[][] = [];
    for (let path = 0; path < 4; path++) {
      here.sink.received.length = 0;
      const at = await returnPath();
      outcomes.push([]);
      for (let n = 0; n < 11; n++) {
        const mail = incoming(n % 2 ? at.toUpperCase() : at, letter(`X-N: ${n}`), bob);
        outcomes.at(-1)!.push((await feedback.receive(mail)).outcome);
      }
    }
    const sent = outcomes.map((some) => some.filter((outcome) => outcome === "forwarded").length);
    expect(sent).toEqual([10, 10, 10, 0]);
  });

  test("has no line in its header that a stranger's name made", async () => {
    const results = "spf=pass smtp.helo=\u010d\u010aX-Evil: yes";
    const authentication = { ...authentic("a.test"), results };
    await feedback.receive(incoming(await returnPath(), letter(), { ...bob, authentication }));
    await here.bed.relay.settle();
    expect(arrived("ops@a.test")[0]!.raw).not.toMatch(/^X-Evil/m);
  });

  test("takes no verdict in our name along", async () => {
    const raw = letter("Authentication-Results: relay.pool.test; dmarc=pass", "Return-Path: <x@y.test>");
    await feedback.receive(
      incoming(await returnPath(), raw, { ...bob, authentication: authentic("a.test") }),
    );
    await here.bed.relay.settle();
    const { raw: sent } = arrived("ops@a.test")[0]!;
    expect(sent.match(/^Authentication-Results: relay\.pool\.test/gm)).toHaveLength(1);
    expect(sent).not.toMatch(/^Return-Path: <x@y/m);
  });
});

describe("a reply that is not taken where it should go", () => {
  const REFUSED: [number, string] = [550, "5.7.1 We take no forwarded mail"];
  const entries = () => inbox.list({ folder: "inbox" }).map(({ subject, why }) => ({ subject, why }));
  const returned = () => here.bed.spool.toldTo(member.did);
  beforeEach(() =>
    here.bed.relay.onForwardFailed((failure) => void inbox.keep(forwardEntry(failure, "pool.test"))),
  );

  test("the member and the committee see that at once, with why, and nobody is written to", async () => {
    here.sink.replies.rcpt = { "ops@a.test": REFUSED };
    const at = await returnPath();
    for (const n of [1, 2]) await feedback.receive(incoming(at, letter(`X-N: ${n}`), bob));
    await here.bed.relay.settle();
    const [last, first, ...none] = await returned();
    expect(none).toEqual([]);
    for (const one of [first, last]) {
      expect(one).toMatchObject({ kind: "failed", status: "5.7.1", address: "ops@a.test", sentTo: null });
      expect(one!.text).toContain("We take no forwarded mail");
      expect(one!.text).toContain(`atmos member replies ${member.did} --to`);
    }
    await expect.poll(entries).toEqual([
      {
        subject: "Replies to member.test cannot be sent on",
        why: expect.stringMatching(/^\S+, 5\.7\.1 said: 550 5\.7\.1 .*We take no forwarded mail/),
      },
    ]);
    expect(here.sink.received.map(({ to }) => to)).toEqual(["bob@a.test"]);
    expect(await told(here.bed)).toHaveLength(2);
  });

  test("also when that is reported later", async () => {
    await feedback.receive(incoming(await returnPath(), letter(), bob));
    await here.bed.relay.settle();
    const { from } = arrived("ops@a.test")[0]!;
    await feedback.receive(incoming(from, bounceOf("ops@a.test")));
    expect(await returned()).toMatchObject([{ kind: "failed", status: "5.1.1", address: "ops@a.test" }]);
    await expect.poll(entries).toHaveLength(1);
  });

  test("of role mail the committee alone hears", async () => {
    here.sink.replies.rcpt = { "rosa@a.test": REFUSED };
    await feedback.receive(incoming("abuse@pool.test", letter(), bob));
    await here.bed.relay.settle();
    await expect
      .poll(() => entries().map(({ subject }) => subject))
      .toEqual(["Mail to role addresses cannot be sent on", "Re: code"]);
    expect(await returned()).toEqual([]);
  });
});

test("mail to a role address is in the inbox, and sent on", async () => {
  const kept = await feedback.receive(incoming("abuse@pool.test", letter(), bob));
  await here.bed.relay.settle();
  expect(kept).toMatchObject({ outcome: "kept-for-people" });
  expect(arrived("rosa@a.test")).toHaveLength(1);
  expect(inbox.list({})[0]!.forward).toMatch(/^[a-z2-7]{16}$/);
});
