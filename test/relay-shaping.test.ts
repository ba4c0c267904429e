import { expect, test } from "vitest";
import { client, told } from "./relay-harness.ts";
import { useRelay } from "./use-relay.ts";

const here = useRelay();
const mail = { from: "Alice <alice@member.test>", to: "bob@a.test", subject: "Hello", text: "Hi" };

test.each<[string, [number, string], string, object]>([
  [
    "a greylist",
    [450, "4.2.0 <bob@a.test>: Recipient address rejected: Greylisted, see http://postgrey.example"],
    "deferred",
    { rule: "general/greylisted", class: "greylisted", fault: "none" },
  ],
  [
    "a block list: no word about the recipient, so it is tried again",
    [554, "5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org"],
    "deferred",
    { rule: "general/spamhaus", class: "blocked", fault: "pool" },
  ],
  [
    "a mailbox that is not there: the general table judges",
    [550, "5.1.1 User unknown"],
    "bounced",
    { class: "bad-mailbox", fault: "recipient" },
  ],
])("%s", async (_name, reply, state, smtp) => {
  here.sink.replies.rcpt = { "bob@a.test": reply };
  await client(here.bed).sendMail(mail);
  await here.bed.relay.settle();
  expect(await here.bed.spool.counts()).toMatchObject({ [state]: 1 });
  const event = (await told(here.bed)).find((e) => e.data.action_name === `recipient_${state}`);
  const { text: _, ...facts } = event!.data.data.smtp!;
  const [code, words] = reply;
  expect(facts).toEqual({ code, enhanced: words.split(" ")[0], provider: "other", ...smtp });
});
