import { expect, onTestFinished, test } from "vitest";
import type { DnsAnswer, DnsType, Resolver } from "../protocol/dns/index.ts";
import { openCore } from "./core/core.fixture.ts";
import { createReportPages } from "./report-pages.ts";

const ADA = "did:plc:ada";

const answering = (answer: Promise<DnsAnswer<"TXT">>): Resolver => ({
  resolve: <T extends DnsType>() => answer as Promise<DnsAnswer<T>>,
});

async function ofDomain(resolver: Resolver, waitMs?: number) {
  const opened = await openCore(Date.UTC(2026, 5, 10));
  onTestFinished(() => opened.close());
  const { core, clock } = opened;
  core.admission.join(ADA, "ada.test");
  await core.members.addDomain(ADA, "ada.test");
  const parts = { core, clock, poolDomain: "coop.test", resolver, ...(waitMs !== undefined && { waitMs }) };
  return createReportPages(parts).ofDomain(ADA, "ada.test");
}

test("the record that is published is asked for, and kept", async () => {
  const records = [{ text: "v=DMARC1; p=reject", ttl: 60 }];
  const view = await ofDomain(answering(Promise.resolve({ status: "ok", records, authentic: false })));
  expect(view?.publish).toMatchObject({
    rua: "rua=mailto:dmarc@coop.test",
    dmarc: { status: "replace", value: "v=DMARC1; p=reject; rua=mailto:dmarc@coop.test" },
  });
});

test("a page does not wait for a DNS that is silent, and then proposes no policy", async () => {
  const view = await ofDomain(answering(new Promise(() => {})), 5);
  expect(view?.publish.dmarc).toEqual({ status: "unknown", why: "no answer in time" });
});
