import { describe, expect, test } from "vitest";
import type { ProviderSubject, ProviderView } from "./provider-view.ts";
import { renderPage } from "./render.tsx";

const day = (n: number) => `2026-06-${String(n).padStart(2, "0")}`;
const gap = (n: number) => ({ day: day(n), value: null, level: null, words: null });
const ada: ProviderSubject = {
  provider: "gmail",
  kind: "domain",
  name: "ada.test",
  unit: "spam reports",
  days: [
    gap(1),
    gap(2),
    { day: day(3), value: 0, level: "ok", words: "0 % reported as spam by people at Gmail" },
    { day: day(4), value: 0.004, level: "bad", words: "0.4 % reported as spam by people at Gmail" },
    gap(5),
  ],
  figures: [{ name: "Passes SPF", value: "99.8 %" }],
  figuresOf: day(4),
  compliance: [
    {
      name: "One-click unsubscribe",
      status: "unmet",
      reason: "no unsub general",
      remedy: "Send bulk mail by the bulk stream.",
    },
    { name: "SPF", status: "met", reason: "", remedy: null },
  ],
};
const pool: ProviderView = {
  asOf: Date.UTC(2026, 5, 6),
  connections: [
    {
      provider: "gmail",
      state: "broken",
      since: Date.UTC(2026, 5, 5),
      fetchedAt: null,
      why: "invalid_grant",
    },
    { provider: "microsoft", state: "none", since: null, fetchedAt: null, why: "" },
  ],
  subjects: [ada],
  member: null,
};
const committee = { role: "committee" } as const;
const ofPool = async (view: ProviderView) =>
  String(await renderPage({ page: "committee-providers", view }, committee));

describe("what providers say", () => {
  test("a gap is an empty box and said as one, a zero is a column", async () => {
    const page = await ofPool(pool);
    expect(page.match(/class="gap"/g)).toHaveLength(3);
    expect(page.match(/class="day /g)).toHaveLength(2);
    expect(page).toMatch(/2 days with figures, 3 without/);
    expect(page).toMatch(/2026-06-01 to 2026-06-02<\/th>[\s\S]*?No figures/);
  });

  test("limits are drawn and what is not met has its remedy", async () => {
    const page = await ofPool(pool);
    expect(page.match(/class="limit"/g)).toHaveLength(2);
    expect(page).toMatch(/Send bulk mail by the bulk stream/);
  });

  test("a broken connection says since when and what to run", async () => {
    const page = await ofPool(pool);
    expect(page).toMatch(/Broken/);
    expect(page).toMatch(/atmos provider connect gmail/);
  });

  test("a member's page has no connections, and no way to the committee", async () => {
    const view = { ...pool, connections: null, member: { did: "did:plc:ada", domain: "ada.test" } };
    const member = { role: "member", did: "did:plc:ada" } as const;
    const page = String(await renderPage({ page: "member-providers", view }, member));
    expect(page).not.toMatch(/Connections|href="\/committee/);
    expect(page).toMatch(/ada\.test/);
  });

  test("nothing known says what to do", async () => {
    expect(await ofPool({ ...pool, subjects: [] })).toMatch(/There are no figures yet/);
  });
});
