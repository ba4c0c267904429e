import { eventTime, type Envelope } from "../../event/index.ts";
import type { MadeCredential, MemberError } from "../../member/index.ts";
import { pauseWords, resumption, type Ending, type Pause } from "../../standing/index.ts";
import type { QueueCommand } from "../queue-commands.ts";
import type { CoreParts } from "./parts.ts";

export type PauseRefusal = MemberError | { error: "no-pause" | "not-yours" | "not-answered"; did: string };

/** `replaced`: the secrets are shown once. */
export type Resumed = { ended: Pause[]; replaced: MadeCredential[] };

export type PauseDesk = ReturnType<typeof createPauseDesk>;

/** Causes for which a breaker stops a credential; of others no rule says that they were an error. */
const OF_A_BREAKER: ReadonlySet<string> = new Set(["content", "first-contact"]);

/** What a person wants of a member, or of one of its credentials. */
type Order = { credential: string | null; reason: string; by: string };
type Who = { who: "member" | "committee"; by: string };

/** Pauses as core keeps them: begun by a breaker or a person, ended by the member or the committee. */
export function createPauseDesk({
  db,
  clock,
  members,
  standings,
  pauses,
  news,
  cases,
  pipeline,
  newEvent,
  tell,
}: CoreParts) {
  const domainOf = (did: string) => members.domainsOf(did)[0]?.name ?? "";

  function note(did: string, pause: Pause, what: "paused" | "resumed", title: string, body: string): void {
    const at = clock.now();
    standings.notes.put(did, { rkey: `pause-${pause.id}-${what}`, at, kind: "notice", title, body });
  }

  /** The answer to one open pause, and what a relay node does with the mail that waits. */
  function end(pause: Pause, answer: Ending, { who, by }: Who, reason: string): Resumed | PauseRefusal {
    const { did, credential } = pause;
    const result = resumption(pause, who, answer);
    if ("refused" in result) return { error: result.refused === "over" ? "no-pause" : result.refused, did };
    const { mail: waiting, how } = result;
    const replaced: MadeCredential[] = [];
    const suspects = inUse(did, credential);
    for (const id of result.replace ? suspects : []) {
      const made = members.replaceCredential(did, id, { by, stolen: waiting === "drop" });
      if ("error" in made) continue;
      replaced.push(made);
      // What a person stopped stays stopped, by whatever name it logs in.
      const stopped = pauses.open(did).find((one) => one.credential === id && one.by !== null);
      if (stopped) begin(did, { credential: made.id, reason: stopped.reason, by: stopped.by! }, "silently");
    }
    // Revoked before the answer came: what it has in the spool is vouched for all the same.
    if (waiting === "release" && credential !== null) members.vouchFor(did, credential);
    if (waiting === "drop" && credential !== null) members.markStolen(did, credential);
    const commands = (suspects.length > 0 ? suspects : [credential]).map((of): QueueCommand => ({
      action: "drop",
      did,
      credential: of,
      receivedUpTo: clock.now(),
      by,
      reason,
    }));
    const now = clock.now();
    pauses.end(pause.id, { at: now, by, how, reason }, waiting === "drop" ? commands : undefined);
    note(did, pause, "resumed", "Sending goes on", reason);
    for (const one of cases.openAbout({ pauseId: pause.id }))
      cases.decide(one.id, {
        at: now,
        by,
        verdict: waiting === "drop" ? "uphold" : "lift",
        to: null,
        reason,
      });
    if (who === "committee")
      news.resumed(pause, { by, reason, how, mail: waiting, replaced: replaced.length > 0 });
    recordEnd(pause, { how, by, reason });
    return { ended: [pauses.get(pause.id)!], replaced };
  }

  function recordEnd(
    { id, did, credential, cause, at }: Pause,
    detail: { how: Ending | "left" } & Omit<Order, "credential">,
  ) {
    pipeline.record(
      newEvent("member_resumed", {
        dedupe_key: `member_resumed:${id}`,
        member: { did, domain: domainOf(did) },
        ...(credential !== null && { credential }),
        detail: { cause, pause_at: at, ...detail },
      }),
    );
  }

  /** Credentials in use that a pause is about. */
  function inUse(did: string, credential: string | null): string[] {
    return members
      .credentialsOf(did)
      .filter((one) => one.revoked === null && (credential === null || one.id === credential))
      .map((one) => one.id);
  }

  /** A person's pause, with its event; undefined when one is open already. `silently`: the member was told before. */
  function begin(did: string, { credential, reason, by }: Order, how?: "silently"): Pause | undefined {
    const at = clock.now();
    const pause = pauses.begin({ did, credential, cause: "person", at, facts: {}, by, reason });
    if (!pause) return undefined;
    note(did, pause, "paused", `Sending is paused: ${reason}`, pauseWords("person").remedy);
    if (how !== "silently") news.paused(pause);
    pipeline.record(
      newEvent("member_paused", {
        dedupe_key: `member_paused:${pause.id}`,
        member: { did, domain: domainOf(did) },
        ...(credential !== null && { credential }),
        detail: { cause: "person", pause_at: at, by, reason },
      }),
    );
    return pause;
  }

  return {
    /** A breaker's pause, as its event tells it. Told twice it is one. */
    record(envelope: Envelope): void {
      const { data } = envelope.data;
      const { did } = data.member;
      if (members.get(did)?.membership !== "member") return;
      const { cause, pause_at: stamp, ...facts } = data.detail ?? {};
      const at = typeof stamp === "number" ? stamp : eventTime(envelope);
      const known = data.credential !== undefined && members.credential(data.credential)?.did === did;
      db.transaction(() => {
        const begun = pauses.begin({
          did,
          credential: known ? data.credential! : null,
          cause: typeof cause === "string" ? cause : "unknown",
          at,
          facts,
          by: null,
          reason: "",
        });
        if (!begun) return;
        const { title, remedy } = pauseWords(begun.cause);
        note(did, begun, "paused", `Sending is paused: ${title}`, remedy);
        news.paused(begun);
      });
      tell([did]);
    },

    /** A rule stops a credential; the member answers it, or the committee, which is asked. */
    stop(
      did: string,
      of: { credential: string; cause: string; at: number; facts: Record<string, unknown> },
    ): void {
      const { credential, cause, at, facts } = of;
      const begun = pauses.begin({ did, credential, cause, at, facts, by: null, reason: "" });
      if (!begun) return;
      const { title, remedy } = pauseWords(cause);
      note(did, begun, "paused", `Sending is paused: ${title}`, remedy);
      news.paused(begun);
      cases.open({ did, kind: "complaints", about: `pause:${begun.id}`, at, facts, pauseId: begun.id });
      pipeline.record(
        newEvent("member_paused", {
          dedupe_key: `member_paused:${begun.id}`,
          member: { did, domain: domainOf(did) },
          credential,
          detail: { cause, pause_at: at, by: "rule" },
        }),
      );
      tell([did]);
    },

    /** A rule says that the breaker erred: what was held leaves, with the same credential. A person's pause stays. */
    lift(did: string, credential: string, { rule, why }: { rule: string; why: string }): void {
      const open = pauses
        .open(did)
        .filter((one) => one.credential === credential && one.by === null && OF_A_BREAKER.has(one.cause));
      for (const pause of open) end(pause, "resumed", { who: "committee", by: `rule ${rule}` }, why);
      if (open.length > 0) tell([did]);
    },

    /** A person stops a member, or one credential. */
    pause(did: string, order: Order): Pause | PauseRefusal {
      const { credential } = order;
      if (!members.get(did)) return { error: "not-a-member", did };
      if (credential !== null && inUse(did, credential).length === 0)
        return { error: "credential-not-in-use", credential };
      const begun = db.transaction(() => begin(did, order));
      tell([did]);
      return begun ?? pauses.open(did).find((p) => p.credential === credential && p.by !== null)!;
    },

    /** Ends every open pause of a member, or those of one credential, and lets their mail go. */
    resume(did: string, { credential, reason, by }: Order): Resumed | PauseRefusal {
      const open = pauses.open(did).filter((one) => credential === null || one.credential === credential);
      if (open.length === 0) return { error: "no-pause", did };
      const results = db.transaction(() =>
        open.map((pause) => end(pause, "resumed", { who: "committee", by }, reason)),
      );
      tell([did]);
      return { ended: results.flatMap((one) => ("error" in one ? [] : one.ended)), replaced: [] };
    },

    /** Ends one pause and lets its mail go, by a person's decision. */
    resumeOne(did: string, id: number, { reason, by }: Omit<Order, "credential">): Resumed | PauseRefusal {
      const pause = pauses.get(id);
      if (pause?.did !== did) return { error: "no-pause", did };
      const result = db.transaction(() => end(pause, "resumed", { who: "committee", by }, reason));
      tell([did]);
      return result;
    },

    /** The member says whether the mail of a credential was its own, which answers all that rules and breakers asked of it. */
    answer(did: string, id: number, answer: Ending, who: Who, reason: string): Resumed | PauseRefusal {
      const pause = pauses.get(id);
      if (pause?.did !== did) return { error: "no-pause", did };
      const result = db.transaction(() => {
        const first = end(pause, answer, who, reason);
        if ("error" in first || answer === "resumed") return first;
        const others = pauses
          .open(did)
          .filter((one) => one.by === null && one.credential === pause.credential)
          .map((one) => end(one, answer, who, reason));
        const ended = others.flatMap((one) => ("error" in one ? [] : one.ended));
        return { ...first, ended: [...first.ended, ...ended] };
      });
      tell([did]);
      return result;
    },

    /** A membership is over: nobody answers any more, and nothing of it leaves. */
    close(did: string, { by, reason }: Omit<Order, "credential">): void {
      const at = clock.now();
      for (const pause of pauses.open(did)) {
        pauses.end(pause.id, { at, by, how: "left", reason }, undefined);
        recordEnd(pause, { how: "left", by, reason });
      }
    },
  };
}
