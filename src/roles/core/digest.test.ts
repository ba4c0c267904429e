import { afterEach, beforeEach, expect, test } from "vitest";
import { NOTICE_TOPIC, type NoticeWish } from "../../notice/index.ts";
import { openCore } from "./core.fixture.ts";

const did = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
const DAY = 24 * 3_600_000;

let here: Awaited<ReturnType<typeof openCore>>;
beforeEach(async () => {
  here = await openCore(Date.UTC(2026, 0, 1, 8), { committeeMail: "committee@people.test" });
});
afterEach(() => here.close());

test("a committee with something to do gets it every morning, each at once, however long that goes on", async () => {
  here.core.admission.apply(
    did,
    { name: "Ada", contact: "", domains: [], daily: null, purpose: "", pds: "", words: "" },
    "Ada",
  );
  await here.core.settle();
  const heard: string[] = [];
  const subscription = here.bus.subscribe<NoticeWish>(NOTICE_TOPIC, "relay", async (batch, handled) => {
    for (const { value } of batch) heard.push(value.subject);
    handled();
  });
  for (let day = 1; day <= 45; day++) {
    await here.run("digest for the committee");
    await here.run("digest for the committee");
    await here.core.settle();
    await here.bus.settle();
    expect(heard).toHaveLength(day);
    here.clock.advance(DAY);
  }
  await subscription.close();
});
