import type { Context, Hono } from "hono";
import { z } from "zod";
import { isoTimes } from "../lib/iso-times.ts";
import { STANDINGS } from "../policy/index.ts";
import { caseTitle, VERDICTS_OF, type Case, type CaseVerdict } from "../standing/index.ts";
import { by, did, reason } from "./admin/fields.ts";
import { refusal } from "./admin/refusal.ts";
import { committeeApi, type CommitteeGate } from "./committee-api.ts";
import type { CaseRefusal } from "./core/case-desk.ts";
import type { Core } from "./core/index.ts";

export type CaseApiOptions = CommitteeGate & { core: Core; clock: { now(): number } };

const VERDICTS = ["uphold", "lift", "standing"] as const satisfies readonly CaseVerdict[];
const MOST_SHOWN = 500;
const asked = z.strictObject({
  state: z.enum(["open", "decided", "all"]).default("open"),
  did: did.optional(),
  limit: z.coerce.number().int().min(1).max(MOST_SHOWN).default(100),
});
const id = z.coerce.number().int().positive();
const decision = z.strictObject({ verdict: z.enum(VERDICTS), to: z.enum(STANDINGS).optional(), reason, by });
const appeal = z.strictObject({ change: z.number().int().positive(), text: reason, by });
const remedy = z.strictObject({ text: reason, by });

/**
 * Cases for people: `GET /`, `GET /:id`, `POST /:id/decide`, and for a member `POST /of/:did/appeal|remedy`, with a
 * short-lived token of the committee.
 */
export function caseApi({ core, clock, ...gate }: CaseApiOptions): Hono {
  const app = committeeApi(gate);
  const view = (one: Case) => caseView(one, clock.now());

  app.get("/", (c) => {
    const { state, did: of, limit } = asked.parse(c.req.query());
    return c.json(isoTimes({ now: clock.now(), cases: core.cases.list(state, limit, of).map(view) }));
  });

  app.get("/:id", (c) => {
    const one = core.cases.get(id.parse(c.req.param("id")));
    if (!one) return refused(c, { error: "no-case", id: id.parse(c.req.param("id")) });
    const change = one.changeId === null ? null : (core.standings.change(one.changeId) ?? null);
    const pause = one.pauseId === null ? null : (core.pauses.get(one.pauseId) ?? null);
    const said = core.standings.remedyOf(one.did) ?? null;
    const { standing } = core.standings.state(one.did);
    return c.json(isoTimes({ ...view(one), standing, change, pause, remedy: said }));
  });

  app.post("/:id/decide", async (c) => {
    const { to, ...rest } = decision.parse(await c.req.json());
    const decided = core.cases.decide(id.parse(c.req.param("id")), { ...rest, to });
    if ("error" in decided) return refused(c, decided);
    await core.told();
    return c.json(isoTimes({ ...view(decided), standing: core.standings.state(decided.did).standing }));
  });

  app.post("/of/:did/appeal", async (c) => {
    const { change, text, by: who } = appeal.parse(await c.req.json());
    const opened = core.cases.appeal(did.parse(c.req.param("did")), change, text, who);
    if ("error" in opened) return refused(c, opened);
    await core.told();
    return c.json(isoTimes(view(opened)));
  });

  app.post("/of/:did/remedy", async (c) => {
    const { text } = remedy.parse(await c.req.json());
    const of = did.parse(c.req.param("did"));
    const confirmed = core.cases.remedy(of, text);
    if ("error" in confirmed) return refused(c, confirmed);
    await core.told();
    return c.json(isoTimes({ did: of, standing: core.standings.state(of).standing, ...confirmed }));
  });

  return app;
}

const caseView = (one: Case, now: number) => ({
  ...one,
  title: caseTitle(one.kind),
  isOverdue: one.decision === null && one.dueAt < now,
  verdicts: one.decision === null ? VERDICTS_OF[one.kind] : [],
});

type Refusal = CaseRefusal | Parameters<typeof refusal>[0];

function refused(c: Context, error: Refusal): Response {
  const isUnknown =
    error.error === "no-case" || error.error === "no-change" || error.error === "not-a-member";
  return c.json(wordsOf(error), isUnknown ? 404 : 409);
}

function wordsOf(error: Refusal): { error: string; message: string } {
  switch (error.error) {
    case "no-case":
      return { error: "NotFound", message: `There is no case ${error.id}; see: atmos case list` };
    case "decided-already":
      return {
        error: "DecidedAlready",
        message: `${error.one.decision?.by} has decided case ${error.one.id} (${error.one.decision?.verdict}); an appeal, or atmos member standing, is how that changes`,
      };
    case "own-case":
      return {
        error: "OwnCase",
        message: `${error.by} is whom case ${error.id} is about; somebody else of the committee decides it`,
      };
    case "own-decision":
      return {
        error: "OwnDecision",
        message: `${error.by} has decided change ${error.change}, which case ${error.id} appeals; somebody else of the committee decides it, or ${error.by} takes it back`,
      };
    case "no-such-verdict":
      return {
        error: "NoSuchVerdict",
        message: `Case ${error.one.id} can be answered with: ${error.verdicts.join(", ")}; "standing" names one, the others none`,
      };
    case "no-change":
      return {
        error: "NotFound",
        message: `${error.did} has no change ${error.change}; its page and its letters name the number of each`,
      };
    case "appealed-already":
      return {
        error: "AppealedAlready",
        message: `This change is appealed in case ${error.id}; see: atmos case show ${error.id}`,
      };
    case "no-remedy-asked":
      return {
        error: "NoRemedyAsked",
        message: `${error.did} is ${error.standing}; only probation and suspension wait for what a member has changed`,
      };
    default:
      return refusal(error);
  }
}
