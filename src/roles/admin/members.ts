import { Hono } from "hono";
import { z } from "zod";
import { STANDINGS, TIERS } from "../../policy/index.ts";
import { isoTimes } from "../../lib/iso-times.ts";
import type { Core } from "../core/index.ts";
import { by, did, domain, reason, words } from "./fields.ts";
import { keptParts } from "../member-leave-words.ts";
import { refused } from "./refusal.ts";
import { memberView } from "./views.ts";

const newMember = z.strictObject({
  did,
  name: z.string().min(1).max(100),
  tier: z.enum(TIERS).optional(),
  by,
});
const newDomain = z.strictObject({ domain });
const replies = z.strictObject({ to: z.string().max(320).nullable(), by: z.string().min(1).max(200) });
const bounces = z.discriminatedUnion("to", [
  z.strictObject({ to: z.enum(["sender", "nobody"]), by }),
  z.strictObject({ to: z.literal("address"), address: z.string().max(320), by }),
]);
const deletion = z.strictObject({ by });
const departure = z.strictObject({ reason, by });
const CHANGES_SHOWN = 5;
const decision = z.strictObject({ standing: z.enum(STANDINGS), by, why: reason, remedy: words.default("") });

/** `/members`: who belongs, with what. */
export function membersApi(core: Core): Hono {
  const app = new Hono();

  app.get("/", (c) =>
    c.json(isoTimes({ members: core.members.list().map((member) => memberView(core, member)) })),
  );

  app.post("/", async (c) => {
    const body = newMember.parse(await c.req.json());
    const joined = core.admission.join(body.did, body.name, body.tier, body.by);
    if ("error" in joined) return refused(c, joined);
    await core.told();
    return c.json({ did: joined.did, tier: joined.tier });
  });

  app.get("/:did", (c) => {
    const subject = c.req.param("did");
    const member = core.members.get(subject);
    if (!member) return refused(c, { error: "not-a-member", did: subject });
    const { left_at: at, left_by: by, left_reason: reason } = member;
    const shown = {
      ...memberView(core, member),
      left: at === null ? null : { at, by, reason },
      changes: core.standings.changesOf(subject, CHANGES_SHOWN),
      applications: core.members.applications.of(subject),
      credentials: core.members.credentialsOf(subject),
      bounces: core.members.bouncesOf(member),
      replies: core.members.repliesOf(member),
      pauses: core.pauses.of(subject, 20).map((pause) => ({
        ...pause,
        mail: core.notices.receipt(`pause:${pause.id}:paused`) ?? null,
      })),
    };
    return c.json(isoTimes(shown));
  });

  app.post("/:did/domains", async (c) => {
    const body = newDomain.parse(await c.req.json());
    const added = await core.members.addDomain(c.req.param("did"), body.domain);
    if ("error" in added) return refused(c, added);
    return c.json({
      domain: body.domain,
      records: added.records,
      dkim: added.keys.map(({ selector, algorithm, fingerprint }) => ({ selector, algorithm, fingerprint })),
    });
  });

  app.post("/:did/standing", async (c) => {
    const { standing, ...person } = decision.parse(await c.req.json());
    const subject = c.req.param("did");
    if (!core.members.get(subject)) return refused(c, { error: "not-a-member", did: subject });
    const { id: change, from, to, at, wayBack } = await core.decide(subject, standing, person);
    return c.json(isoTimes({ change, from, to, at, by: person.by, why: person.why, wayBack }));
  });

  app.post("/:did/bounces", async (c) => {
    const { by: _, ...choice } = bounces.parse(await c.req.json());
    const chosen = core.members.setBounces(c.req.param("did"), choice);
    if ("error" in chosen) return refused(c, chosen);
    await core.told();
    return c.json({ bounces: chosen });
  });

  app.post("/:did/replies", async (c) => {
    const { to } = replies.parse(await c.req.json());
    const chosen = core.members.setReplies(c.req.param("did"), to);
    if ("error" in chosen) return refused(c, chosen);
    await core.told();
    return c.json(chosen);
  });

  app.post("/:did/leave", async (c) => {
    const body = departure.parse(await c.req.json());
    const left = core.admission.leave(c.req.param("did"), body);
    if ("error" in left) return refused(c, left);
    await core.told();
    return c.json({ did: left.did, membership: left.membership });
  });

  app.post("/:did/delete", async (c) => {
    const { by: who } = deletion.parse(await c.req.json());
    const forgotten = await core.admission.forget(c.req.param("did"), who);
    if ("error" in forgotten) return refused(c, forgotten);
    await core.told();
    return c.json(isoTimes({ did: forgotten.did, deletedAt: forgotten.deleted_at, stays: keptParts() }));
  });

  return app;
}
