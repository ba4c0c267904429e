import { afterEach, beforeEach, expect, test } from "vitest";
import type { ApplicationForm } from "../../member/index.ts";
import { openCore } from "./core.fixture.ts";

const did = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
const by = { reason: "x", by: "rosa" };
const form: ApplicationForm = {
  name: "Ada",
  contact: "ada@ada.test",
  domains: ["ada.test"],
  daily: null,
  purpose: "",
  pds: "",
  words: "",
};
let here: Awaited<ReturnType<typeof openCore>>;
beforeEach(async () => {
  here = await openCore(1_000_000);
  here.core.admission.join(did, "Ada");
});
afterEach(() => here.close());

test.each<[string, () => void]>([
  [
    "applies",
    () => {
      here.core.admission.apply(did, form, "ada");
      here.core.admission.approve(did, { note: "", by: "rosa" });
    },
  ],
  [
    "leaves and is added",
    () => {
      here.core.admission.leave(did, by);
      here.core.admission.join(did, "Ada");
    },
  ],
])("who was ejected and %s stands well", async (_, comeBack) => {
  await here.core.decide(did, "ejected", { by: "rosa", why: "Spam" });
  comeBack();
  expect(here.core.policyOf(did)).toMatchObject({ membership: "member", standing: "good" });
});

test("who is ejected loses its credentials, also for the time after", async () => {
  await here.core.members.addDomain(did, "ada.test");
  here.core.members.createCredential(did, ["ada.test"], { name: "pds" });
  await here.core.decide(did, "ejected", { by: "rosa", why: "Spam" });
  here.core.admission.join(did, "Ada");
  here.core.admission.apply(did, form, "ada");
  here.core.admission.approve(did, { note: "", by: "rosa" });
  expect(here.core.policyOf(did)).toMatchObject({ standing: "good", credentials: [{ revoked: true }] });
});

test("who was suspended, leaves and comes back is suspended still", async () => {
  await here.core.decide(did, "suspended", { by: "rosa", why: "Spam" });
  here.core.admission.leave(did, by);
  here.core.admission.apply(did, form, "ada");
  here.core.admission.approve(did, { note: "", by: "rosa" });
  expect(here.core.policyOf(did)).toMatchObject({ membership: "member", standing: "suspended" });
});

test("of two approvals one counts: one event, one note", () => {
  here.clock.advance(1_000);
  here.core.admission.leave(did, by);
  here.core.admission.apply(did, form, "ada");
  here.clock.advance(1_000);
  const rows = [1, 2].map(() => here.core.admission.approve(did, { note: "Welcome", by: "rosa" }));
  expect(rows).toMatchObject([{ membership: "member" }, { error: "no-application" }]);
  const joined = here.core.events.recentOf(did, 50).filter(({ action }) => action === "member_joined");
  expect(joined).toHaveLength(2);
  expect(here.core.standings.notes.list(did).map(({ title }) => title)).toEqual([
    "You are a member",
    "You have left",
  ]);
});
