import { expect, test } from "vitest";
import { MovableClock } from "../lib/clock.ts";
import type { Suppression } from "../suppression/index.ts";
import { createSuppressionPages } from "./suppression-pages.ts";

const entry: Suppression = {
  id: 1,
  did: null,
  streams: "all",
  key: "k",
  domain: "bigmail.test",
  reason: "bad-mailbox",
  source: "event",
  createdAt: 0,
  expiresAt: 1,
  evidence: { code: 550, enhanced: "5.1.1", text: "nobody wants mail of alder.test", provider: "google" },
  messageId: "m1",
  exempt: false,
  version: 1,
  releasedAt: null,
  releasedBy: null,
};

type Parts = Parameters<typeof createSuppressionPages>[0];
function pagesWith(keyOf: Parts["keyOf"]) {
  const core = { members: { domainsOf: () => [] }, suppressions: { about: () => [entry] } };
  const clock = new MovableClock(0);
  return createSuppressionPages({ core: core as unknown as Parts["core"], clock, spool: undefined, keyOf });
}

test("where there is no relay an address is not called none", async () => {
  const pages = pagesWith(undefined);
  expect(await pages.find("eve@bigmail.test")).toEqual({ found: "no-key" });
  expect(await pages.find("eve")).toEqual({ found: "no-address", asked: "eve" });
});

test("the committee sees what was said about an entry of the pool, a member does not", async () => {
  const { find } = pagesWith(() => "k");
  expect(await find("eve@bigmail.test")).toMatchObject({
    entries: [{ words: "550 5.1.1 nobody wants mail of alder.test", provider: "google" }],
  });
  expect(await find("eve@bigmail.test", "did:plc:cleo")).toMatchObject({
    entries: [{ pool: true, words: "", provider: "" }],
  });
});
