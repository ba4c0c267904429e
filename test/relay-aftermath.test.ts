import { expect, test } from "vitest";
import type { Incoming } from "../src/feedback/index.ts";
import { authentic, feedbackOf, incoming } from "./relay-feedback.ts";
import { client, told } from "./relay-harness.ts";
import { useRelay } from "./use-relay.ts";

const here = useRelay();

/** Sends one message with these DSN wishes; resolves with its return path, when it is delivered. */
async function deliver(to: string, notify?: "NEVER" | "SUCCESS" | "FAILURE"): Promise<string> {
  await client(here.bed).sendMail({
    from: "alice@member.test",
    to,
    subject: "x",
    text: "x",
    ...(notify && { dsn: { notify, id: "E1", return: "headers" as const } }),
  });
  await here.bed.relay.settle();
  return here.sink.received.findLast((m) => m.to === to)!.from;
}

/** A report of the receiving host comes in at the return path. */
async function report(
  returnPath: string,
  action: string,
  status: string,
  about = "bob@a.test",
  more: Partial<Incoming> = {},
): Promise<string> {
  const { feedback, close } = feedbackOf(here.bed);
  const text = [
    "From: mailer-daemon@a.test",
    'Content-Type: multipart/report; report-type=delivery-status; boundary="b"',
    "",
    "--b",
    "Content-Type: message/delivery-status",
    "",
    "Reporting-MTA: dns; mx.a.test",
    "",
    `Final-Recipient: rfc822; ${about}`,
    `Action: ${action}`,
    `Status: ${status}`,
    `Diagnostic-Code: smtp; 550 ${status} User unknown`,
    "",
    "--b--",
    "",
  ].join("\r\n");
  const { outcome } = await feedback.receive(incoming(returnPath, text, more));
  await here.bed.relay.settle();
  close();
  return outcome;
}

const notices = () =>
  here.sink.received
    .filter((m) => m.to === "alice@member.test")
    .map((m) => /^Action: (\w+)\r\nStatus: ([\d.]+)/m.exec(m.raw)!.slice(1).join(" "));

test("a success goes on to who asked for it, once", async () => {
  const from = await deliver("bob@a.test", "SUCCESS");
  expect(notices()).toEqual([]);
  for (let n = 0; n < 3; n++) expect(await report(from, "delivered", "2.1.5")).toBe("ignored");
  expect(notices()).toEqual(["delivered 2.0.0"]);
  expect(here.sink.received.at(-1)!.raw).toMatch(/^Original-Envelope-Id: E1\r$/m);
});

test("nobody else hears of a success", async () => {
  await report(await deliver("bob@a.test"), "delivered", "2.1.5");
  await report(await deliver("carol@a.test", "NEVER"), "relayed", "2.1.5");
  expect(notices()).toEqual([]);
});

test.each([
  [undefined, ["failed 5.1.1"]],
  ["NEVER", []],
] as const)("a failure after the delivery is told as it was asked: %s", async (notify, expected) => {
  expect(await report(await deliver("bob@a.test", notify), "failed", "5.1.1")).toBe("bounced");
  expect(notices()).toEqual(expected);
});

const paused = async () =>
  (await told(here.bed)).filter((event) => event.data.action_name === "member_paused");

test("failures after the delivery stop a credential too", async () => {
  for (let n = 0; n < 5; n++) {
    const to = `r${n}@a.test`;
    await report(await deliver(to), "failed", "5.1.1", to);
  }
  await expect.poll(paused).toMatchObject([{ data: { data: { detail: { cause: "first-contact" } } } }]);
});

test("what anybody with a return path could have written stops nobody", async () => {
  for (let n = 0; n < 8; n++) {
    const to = `r${n}@a.test`;
    const forged = { authentication: authentic("elsewhere.test") };
    expect(await report(await deliver(to), "failed", "5.1.1", to, forged)).toBe("bounced");
  }
  expect(await paused()).toEqual([]);
  // A ninth that is real is one of its kind.
  await report(await deliver("real@a.test"), "failed", "5.1.1", "real@a.test");
  expect(await paused()).toEqual([]);
});
