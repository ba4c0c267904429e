import { afterEach, beforeEach, expect, test } from "vitest";
import type { ApplicationForm } from "../member/index.ts";
import { openCore } from "./core/core.fixture.ts";
import { createWebActions } from "./web-actions.ts";

const did = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
const form: ApplicationForm = {
  name: "Ada",
  contact: "ada@ada.test",
  domains: ["ada.test"],
  daily: null,
  purpose: "",
  pds: "",
  words: "",
};
const member = { who: "member", by: "the member" } as const;
let here: Awaited<ReturnType<typeof openCore>>;
beforeEach(async () => {
  here = await openCore(1_000_000);
});
afterEach(() => here.close());

const actions = () =>
  createWebActions(here.core, () => ({ host: "mx.coop.test", tls: [465], starttls: [587] }));

test("an answer pressed twice says that the first was taken, and where another secret comes from", async () => {
  here.core.admission.join(did, "Ada");
  await here.core.members.addDomain(did, "ada.test");
  const made = here.core.members.createCredential(did, ["ada.test"]);
  if ("error" in made) throw new Error(made.error);
  const about = { member: { did, domain: "ada.test" }, credential: made.id, detail: { cause: "content" } };
  here.core.pauseDesk.record(here.newEvent("member_paused", { dedupe_key: "p", ...about }));
  const { id } = here.core.pauses.open(did)[0]!;
  const answers = await Promise.all(
    [1, 2].map(() => actions().answerPause(did, id, "this-was-me", member, "")),
  );
  expect(answers).toMatchObject([
    {
      credentials: [
        { secret: expect.stringMatching(/^atms_/), lines: expect.stringContaining("@mx.coop.test:465") },
      ],
    },
    { refused: expect.stringMatching(/answered before.*ask the committee/) },
  ]);
});

test("a decision is about the application that was read, not about one that came after it", async () => {
  const { admission, members } = here.core;
  admission.apply(did, form, "ada");
  const { id: application } = members.applications.open(did)!;
  const decision = { application, approve: true, tier: "new", words: "", by: "the committee" } as const;
  admission.decline(did, { reason: "No", by: "rosa" });
  admission.apply(did, { ...form, domains: ["other.test"] }, "ada");
  expect(await actions().decideApplication(did, decision)).toMatchObject({
    refused: expect.stringContaining("decided before"),
  });
  expect(members.get(did)).toMatchObject({ membership: "applicant" });
  const next = members.applications.open(did)!.id;
  expect(await actions().decideApplication(did, { ...decision, application: next })).toMatchObject({
    done: true,
  });
});
