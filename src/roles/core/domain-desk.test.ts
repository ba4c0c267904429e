import { afterEach, beforeEach, expect, test } from "vitest";
import { EVENTS_TOPIC, type Envelope } from "../../event/index.ts";
import { openCore } from "./core.fixture.ts";

const did = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
const other = "did:plc:bbbbbbbbbbbbbbbbbbbbbbbb";
const HOUR = 3_600_000;

let here: Awaited<ReturnType<typeof openCore>>;
beforeEach(async () => {
  here = await openCore(Date.UTC(2026, 0, 1));
  for (const who of [did, other]) here.core.admission.join(who, "Ada");
  await here.core.members.addDomain(did, "ada.test");
});
afterEach(() => here.close());

const status = () => here.core.members.domain("ada.test")?.status;
let n = 0;
async function check(result: "verified" | "broken", who = did): Promise<Envelope> {
  here.clock.advance(HOUR);
  const told = here.newEvent("domain_checked", {
    dedupe_key: `check ${++n}`,
    member: { did: who, domain: "ada.test" },
    detail: { summary: result, result, findings: [{ severity: "fail", message: "No record" }] },
  });
  await here.publish(told);
  return told;
}

test("checks told again by a labeler that crashed release nothing", async () => {
  const told = [await check("verified"), await check("broken"), await check("broken"), await check("broken")];
  expect(status()).toBe("held");
  await here.bus.publish(
    EVENTS_TOPIC,
    told.map((value) => ({ key: did, value })),
  );
  await here.bus.settle();
  expect(status()).toBe("held");
  expect(here.core.standings.holds()).toMatchObject([{ domain: "ada.test", did }]);
});

test("a domain that was held with another member begins anew, and nobody is told of what was not theirs", async () => {
  await check("verified");
  for (let i = 0; i < 3; i++) await check("broken");
  here.core.admission.leave(did, { reason: "Sold", by: "rosa" });
  await here.core.members.addDomain(other, "ada.test");
  const before = status();
  for (let i = 0; i < 3; i++) await check("broken", other);
  expect(status()).toBe(before);
  await check("verified", other);
  expect(status()).toBe("active");
  expect(here.core.standings.notes.list(other).map(({ title }) => title)).not.toContain(
    "Mail of ada.test leaves again",
  );
});
