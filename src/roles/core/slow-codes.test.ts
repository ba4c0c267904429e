import { afterEach, beforeEach, expect, test } from "vitest";
import { NOTICE_TOPIC, type NoticeWish } from "../../notice/index.ts";
import type { ActionName } from "../../event/index.ts";
import { committeeOverview } from "../queries/overview.ts";
import type { QueryParts } from "../queries/parts.ts";
import { openCore } from "./core.fixture.ts";

const NOW = Date.UTC(2026, 0, 10, 12);
const MINUTE = 60_000;
const members = ["did:plc:aaaaaaaaaaaaaaaaaaaaaaaa", "did:plc:bbbbbbbbbbbbbbbbbbbbbbbb"] as const;
const [ada, ben] = members;

let here: Awaited<ReturnType<typeof openCore>>;
beforeEach(async () => {
  here = await openCore(NOW);
  mails = [];
  here.bus.subscribe<NoticeWish>(NOTICE_TOPIC, "test", async (batch, handled) => {
    mails.push(...batch.map(({ value }) => value));
    handled();
  });
  for (const did of members) {
    const form = {
      name: "Ada",
      contact: "desk@ada.test",
      domains: ["ada.test"],
      daily: 10,
      purpose: "codes",
      pds: "",
      words: "",
      by: "ada",
    };
    here.core.admission.apply(did, form, "Ada");
    here.core.admission.approve(did, { tier: "new", note: "", by: "rosa" });
  }
});
afterEach(() => here.close());

let n = 0;
const attempt = (action: ActionName, did: string, to: string, age: number) =>
  here.publish(
    here.newEvent(action, {
      dedupe_key: `a${++n}`,
      member: { did, domain: "ada.test" },
      message: {
        id: `m-${to}`,
        size: 1,
        recipients: 1,
        stream: "transactional",
        received_at: here.clock.now() - age,
        code: true,
      },
      recipient: { key: to, domain: "gmail.com" },
      smtp: {
        code: 451,
        enhanced: "4.7.1",
        text: "later",
        provider: "google",
        class: "policy",
        fault: "sender",
      },
    } as never),
  );
const look = () => here.run("late login codes looked for");
/** Mails for relay nodes to send. */
let mails: NoticeWish[] = [];
const told = async (did: string) => {
  await here.bus.settle();
  return mails.filter((one) => one.did === did && /code/.test(one.subject));
};

test("a member is told once when its codes are late, and once when they are in time again", async () => {
  await attempt("recipient_deferred", ada, "x", 4 * MINUTE);
  await attempt("recipient_deferred", ada, "y", 4 * MINUTE);
  await look();
  expect(await told(ada)).toEqual([]);
  here.clock.advance(2 * MINUTE);
  await look();
  await look();
  expect(await told(ada)).toMatchObject([
    { to: "desk@ada.test", subject: "Login codes for google are late" },
  ]);
  expect((await told(ada))[0]!.text).toMatch(
    /2 of your last 2 login codes[^]*2 of them still\s+wait[^]*\/delivery#codes/,
  );
  expect(await told(ben)).toEqual([]);
  for (const to of ["x", "y"]) await attempt("recipient_delivered", ada, to, 6 * MINUTE);
  for (const to of ["p", "q", "r"]) await attempt("recipient_delivered", ada, to, 1_000);
  await look();
  expect((await told(ada))[1]).toMatchObject({
    subject: "Login codes for google arrive in time again",
  });
});

test("of several members the committee is told on its page", async () => {
  await attempt("recipient_deferred", ada, "x", 6 * MINUTE);
  await attempt("recipient_deferred", ben, "y", 6 * MINUTE);
  await attempt("recipient_deferred", ben, "z", 6 * MINUTE);
  await look();
  const { lateCodes } = await committeeOverview({
    core: here.core,
    clock: here.clock,
  } as unknown as QueryParts);
  expect(lateCodes).toMatchObject([{ provider: "google", known: 3, slow: 3, waiting: 3 }]);
  expect(await told(ada)).toEqual([]);
  expect(await told(ben)).toHaveLength(1);
});
