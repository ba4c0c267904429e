import type { ActionName } from "../../event/index.ts";
import type { ApplicationForm, MemberError, MemberRow } from "../../member/index.ts";
import type { Notices } from "../../notice/index.ts";
import type { Bus } from "../../platform/bus/index.ts";
import type { Tier } from "../../policy/index.ts";
import type { TestMail } from "../../test-mail/index.ts";
import type { LeaseStore } from "../../lease/index.ts";
import type { Timing } from "../../timing/index.ts";
import { QUEUE_COMMAND_TOPIC, type QueueCommand } from "../queue-commands.ts";
import type { CaseDesk } from "./case-desk.ts";
import type { CoreParts } from "./parts.ts";

const FORGOTTEN = "The member has left and had its data deleted.";

/** What only leaving and deletion touch. */
type Leaving = {
  bus: Pick<Bus, "publish">;
  notices: Pick<Notices, "forget">;
  leases: Pick<LeaseStore, "forget">;
  timing: Pick<Timing, "forget">;
  tests: Pick<TestMail, "forget">;
};

/**
 * Coming and going, with the events that tell of it and the note to whom it concerns. Nobody sends before a person has
 * approved it; who was ejected comes back by a new application only, and then stands well again.
 */
export function createAdmission(
  {
    db,
    bus,
    clock,
    members,
    people,
    tokens,
    standings,
    notices,
    timing,
    leases,
    tests,
    pipeline,
    webhooks,
    newEvent,
    tell,
  }: CoreParts & Leaving,
  cases: Pick<CaseDesk, "left" | "cameBack">,
) {
  /** The decision, its event and what rules make of it, together or not at all. */
  function decided(
    action: Extract<ActionName, "member_joined" | "member_left"> | undefined,
    did: string,
    detail: Record<string, unknown>,
    decide: () => MemberRow | MemberError,
  ): MemberRow | MemberError {
    const domain = members.domainsOf(did)[0]?.name ?? "";
    const row = db.transaction(() => {
      const result = decide();
      if ("error" in result || action === undefined) return result;
      const at = action === "member_joined" ? result.approved_at : result.left_at;
      pipeline.record(
        newEvent(action, { dedupe_key: `${action}:${did}:${at}`, member: { did, domain }, detail }),
      );
      return result;
    });
    tell([did]);
    return row;
  }

  function note(did: string, title: string, body: string): void {
    const at = clock.now();
    standings.notes.put(did, { rkey: `membership-${at}`, at, kind: "notice", title, body });
  }

  /** Who was ejected and is admitted again stands well; who left in another standing comes back to it. */
  function readmit(did: string, by: string): void {
    cases.cameBack(did);
    const why = "Admitted again after a new application.";
    if (standings.state(did).standing === "ejected")
      pipeline.conclude(standings.decide(did, "good", { by, why }));
  }

  function approve(did: string, decision: { tier?: Tier; note: string; by: string }) {
    const { by, tier = "new", note: words } = decision;
    return decided("member_joined", did, { tier, by, ...(words !== "" && { why: words }) }, () => {
      const row = members.approve(did, decision);
      if ("error" in row) return row;
      readmit(did, by);
      note(did, "You are a member", decision.note);
      return row;
    });
  }

  function apply(did: string, form: ApplicationForm, by: string) {
    const ejected = standings.state(did).standing === "ejected";
    return decided(undefined, did, {}, () => members.apply(did, form, by, { readmit: ejected }));
  }

  return {
    apply,
    approve,

    /** Apply and approve in one, by whoever runs the cooperative. */
    join: (did: string, name: string, tier: Tier = "new", by = "operator") =>
      decided("member_joined", did, { tier, by }, () => {
        const row = members.join(did, name, tier, by);
        if (!("error" in row)) readmit(did, by);
        return row;
      }),

    decline: (did: string, decision: { reason: string; by: string }) =>
      decided(undefined, did, {}, () => {
        const row = members.decline(did, decision);
        if (!("error" in row)) note(did, "Your application was declined", decision.reason);
        return row;
      }),

    /**
     * Deletes what is kept of a member that has left, here and at relay nodes. What stays, why and until when: docs/leaving.md.
     * Done twice it changes nothing more.
     */
    async forget(did: string, by: string): Promise<MemberRow | MemberError> {
      const row = db.transaction(() => {
        const forgotten = members.forget(did);
        if ("error" in forgotten) return forgotten;
        standings.notes.forget(did);
        notices.forget(did);
        webhooks.forget(did);
        timing.forget(did);
        leases.forget(did);
        tests.forget(did);
        people.clear(did);
        tokens.clear(did);
        return forgotten;
      });
      if ("error" in row) return row;
      const receivedUpTo = clock.now();
      const command: QueueCommand = {
        action: "forget",
        did,
        receivedUpTo,
        by: by.slice(0, 100),
        reason: FORGOTTEN,
      };
      await bus.publish(QUEUE_COMMAND_TOPIC, [{ key: did, value: command }]);
      return row;
    },

    leave: (did: string, decision: { reason: string; by: string }) =>
      decided("member_left", did, decision, () => {
        const row = members.leave(did, decision);
        if ("error" in row) return row;
        cases.left(did, decision);
        for (const { domain } of standings.holds().filter((held) => held.did === did))
          standings.endHold(domain);
        webhooks.remove(did, decision.by);
        people.clear(did);
        tokens.clear(did);
        note(did, "You have left", decision.reason);
        return row;
      }),
  };
}
