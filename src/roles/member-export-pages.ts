import type { ExportPages } from "../web/index.ts";
import { exportFiles, type ExportParts } from "./member-export-files.ts";
import type { ExportDesk } from "./member-export.ts";

/** Fills the page of what a member takes along. */
export function createExportPages(parts: ExportParts & { desk: ExportDesk }): ExportPages {
  const { core, proofs, clock, desk } = parts;
  const proof = async (did: string) => {
    const made = await proofs.of(did);
    return "error" in made ? { refused: made.message } : made;
  };
  return {
    async view(did) {
      const member = core.members.get(did);
      if (!member) return null;
      const made = await proof(did);
      return {
        asOf: clock.now(),
        did,
        domain: core.members.domainsOf(did)[0]?.name ?? member.name,
        files: exportFiles(parts, did, true).map(({ name, about }) => ({ name, about })),
        proof: "refused" in made ? made : summaryOf(made.claims),
      };
    },
    archive(did, whole) {
      const made = desk.of(did, { whole });
      return "error" in made ? { refused: made.message } : { ...made, type: "application/zip" };
    },
    async proof(did) {
      const made = await proof(did);
      if ("refused" in made) return made;
      return { name: "proof.jws", type: "application/jose", bytes: once(`${made.proof}\n`) };
    },
  };
}

async function* once(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

type Claims = Extract<Awaited<ReturnType<ExportParts["proofs"]["of"]>>, { claims: unknown }>["claims"];

function summaryOf({ iss, membership, standing, volumes, bounces, complaints, labels }: Claims) {
  return {
    issuer: iss,
    since: membership.since,
    tier: membership.tier,
    standing: standing.current,
    changes: standing.changes,
    accepted: volumes.reduce((sum, { accepted }) => sum + accepted, 0),
    months: volumes.length,
    bounces: bounces.rate,
    complaints: complaints.rate,
    labels: [...new Set(labels.map(({ val }) => val))],
  };
}
