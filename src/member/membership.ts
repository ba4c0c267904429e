import { randomId } from "../lib/ids.ts";
import type { Tier } from "../policy/index.ts";
import { createApplications, type ApplicationForm } from "./applications.ts";
import type { MemberParts } from "./parts.ts";
import type { MemberError } from "./errors.ts";
import { createVouches } from "./vouches.ts";
import type { MemberRow } from "./schema.ts";

/** The form of somebody whom the operator admits by itself. */
const noForm = (name: string): ApplicationForm => ({
  name,
  contact: "",
  domains: [],
  daily: null,
  purpose: "",
  pds: "",
  words: "",
});

/** Coming and going: apply, approve or decline, leave. Each decision is kept with who made it and when. */
export function createMembership({ db, store, credentialStore, clock, random, changed }: MemberParts) {
  const vouches = createVouches(db, clock);
  const applications = createApplications(db, vouches);

  function apply(
    did: string,
    form: ApplicationForm,
    by: string,
    options: { readmit?: boolean } = {},
  ): MemberRow | MemberError {
    const before = store.member(did);
    if (before?.membership === "applicant") return { error: "already-applied", did };
    if (before?.membership === "member" && !options.readmit) return { error: "already-a-member", did };
    const now = clock.now();
    const row: MemberRow = {
      did,
      handle: before?.handle ?? randomId(5, random),
      name: form.name,
      tier: "new",
      membership: "applicant",
      joined_at: now,
      approved_at: before?.approved_at ?? null,
      left_at: null,
      left_by: null,
      left_reason: null,
      bounces: before?.bounces ?? "nobody",
      replies: before?.replies ?? null,
      deleted_at: null,
    };
    store.transaction(() => {
      store.putMember(row);
      applications.insert(did, form, now, by);
    });
    changed(did);
    return row;
  }

  function approve(
    did: string,
    decision: { tier?: Tier; note: string; by: string },
  ): MemberRow | MemberError {
    const before = store.member(did);
    if (before?.membership !== "applicant") return { error: "no-application", did };
    const now = clock.now();
    const tier = decision.tier ?? "new";
    const row: MemberRow = { ...before, tier, membership: "member", joined_at: now, approved_at: now };
    store.transaction(() => {
      store.putMember(row);
      vouches.decided(did);
      applications.decide(did, "approved", { at: now, by: decision.by, tier, note: decision.note });
    });
    changed(did);
    return row;
  }

  /** Its domains are free again, its keys destroyed, its credentials revoked. */
  function end(row: MemberRow, by: string, reason: string): MemberRow {
    const now = clock.now();
    const left: MemberRow = {
      ...row,
      membership: "left",
      left_at: now,
      left_by: by,
      left_reason: reason,
    };
    store.putMember(left);
    vouches.left(row.did);
    store.deleteDomains(row.did);
    credentialStore.revokeAll(row.did, now, by);
    return left;
  }

  return {
    apply,
    approve,
    applications,
    vouches,

    decline(did: string, decision: { reason: string; by: string }): MemberRow | MemberError {
      const before = store.member(did);
      if (before?.membership !== "applicant") return { error: "no-application", did };
      const row = store.transaction(() => {
        const { by, reason } = decision;
        vouches.decided(did);
        applications.decide(did, "declined", { at: clock.now(), by, tier: null, note: reason });
        return end(before, by, reason);
      });
      changed(did);
      return row;
    },

    /** Apply and approve in one, by whoever runs the cooperative. */
    join(did: string, name: string, tier: Tier = "new", by = "operator"): MemberRow | MemberError {
      return store.transaction(() => {
        const applied = apply(did, noForm(name), by);
        return "error" in applied ? applied : approve(did, { tier, note: "", by });
      });
    },

    leave(did: string, decision: { reason: string; by: string }): MemberRow | MemberError {
      const before = store.member(did);
      if (!before) return { error: "not-a-member", did };
      if (before.membership !== "member") return { error: "has-left", did, membership: before.membership };
      const row = store.transaction(() => end(before, decision.by, decision.reason));
      changed(did);
      return row;
    },

    /**
     * Of who has left: name, words, applications, credentials and addresses. That it was here, when, and that it left stays.
     */
    forget(did: string): MemberRow | MemberError {
      const before = store.member(did);
      if (!before) return { error: "not-a-member", did };
      if (before.membership !== "left") return { error: "not-left", did };
      store.transaction(() => {
        store.forget(did, clock.now());
        applications.forget(did);
        vouches.forget(did);
        credentialStore.forget(did);
      });
      changed(did);
      return store.member(did)!;
    },

    setTier(did: string, tier: Tier): void {
      store.setTier(did, tier);
      changed(did);
    },
  };
}
