import type { Migration } from "../../platform/database.ts";
import type { Evidence, Incident } from "../../evidence/index.ts";
import type { Metrics } from "../../platform/metrics.ts";
import type { CoreParts } from "./parts.ts";

/** Which incidents were undone, and up to when: one that grows is undone further. */
export const incidentDeskMigration: Migration = {
  module: "incident-desk",
  steps: [
    `CREATE TABLE incident_undone (
       provider TEXT NOT NULL, begun INTEGER NOT NULL, ended INTEGER NOT NULL, at INTEGER NOT NULL, lifted INTEGER NOT NULL,
       restored INTEGER NOT NULL, PRIMARY KEY (provider, begun)
     ) STRICT, WITHOUT ROWID;`,
  ],
};

const LOOK_BACK_MS = 7 * 86_400_000;

export type IncidentDeskParts = Omit<CoreParts, "cases"> & {
  metrics: Pick<Metrics, "incidents">;
  evidence: Pick<Evidence, "incidents" | "bouncesWithoutIncidents">;
  suppressions: {
    undoIncident(
      about: { provider: string; from: number; to: number },
      by: string,
    ): Promise<{ refusals: number; lifted: number }>;
  };
};

/** When a provider refused people who exist: what followed from its refusals is taken back, all together. */
export function createIncidentDesk(parts: IncidentDeskParts) {
  const { db, clock, standings, pipeline, evidence, suppressions, metrics } = parts;

  const undoneUpTo = ({ provider, from }: Incident): number =>
    db.get<{ ended: number }>(
      "SELECT max(ended) AS ended FROM incident_undone WHERE provider = ? AND begun BETWEEN ? AND ?",
      provider,
      from - 3_600_000,
      from + 3_600_000,
    )?.ended ?? -Infinity;

  function restore({ provider, from, to, members }: Incident): number {
    const known = clock.now();
    const why = `${provider} refused people who exist, at ${members.length} members of the pool at once. What it refused then counts for nobody, so your standing is what it would be without that.`;
    return db.transaction(
      () =>
        members.filter((did) => {
          const count = (of: { at: number; sentAfter: number }) =>
            evidence.bouncesWithoutIncidents(did, { ...of, known });
          const change = standings.restore(did, { from, until: to, why, count });
          if (change) pipeline.conclude(change);
          return change !== undefined;
        }).length,
    );
  }

  return {
    /** Looks at what the evidence says, and undoes what is new. */
    async follow(): Promise<void> {
      const now = clock.now();
      for (const incident of evidence.incidents(now - LOOK_BACK_MS)) {
        const { provider, from, to } = incident;
        const until = Math.min(to, now);
        if (undoneUpTo(incident) >= until) continue;
        const { lifted } = await suppressions.undoIncident(
          { provider, from, to: until },
          "incident of the provider",
        );
        const restored = restore({ ...incident, to: until });
        metrics.incidents.inc({ provider });
        db.run(
          `INSERT INTO incident_undone (provider, begun, ended, at, lifted, restored) VALUES (?, ?, ?, ?, ?, ?)
           ON CONFLICT (provider, begun) DO UPDATE SET ended = excluded.ended, at = excluded.at,
             lifted = lifted + excluded.lifted, restored = restored + excluded.restored`,
          provider,
          from,
          until,
          now,
          lifted,
          restored,
        );
      }
    },

    /** For the committee, a sentence each. */
    since: (at: number): string[] =>
      db
        .all<{ provider: string; begun: number; ended: number; lifted: number; restored: number }>(
          "SELECT * FROM incident_undone WHERE at > ? ORDER BY begun",
          at,
        )
        .map(
          ({ provider, begun, ended, lifted, restored }) =>
            `${provider}, ${time(begun)} to ${time(ended)}: ${lifted} suppressions lifted, ${restored} standings restored`,
        ),
  };
}

const time = (at: number) => `${new Date(at).toISOString().slice(0, 16).replace("T", " ")} UTC`;
