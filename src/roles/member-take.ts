import type { CoreHttpParts } from "./core-http.ts";
import { createExportDesk } from "./member-export.ts";
import { createExportPages } from "./member-export-pages.ts";
import { createLeaveDesk, createLeavePages } from "./member-leave.ts";
import { createVouchDesk, createVouchPages } from "./member-vouches.ts";
import { createProofDesk } from "./member-proof.ts";
import { createProviderPages } from "./provider-data-pages.ts";

/** What members take along, for pages, API and command line alike. */
export function openTaking({ core, accounts, labeler, relay, providers, clock, config }: CoreHttpParts) {
  const proofs = createProofDesk({ core, labeler, clock, domain: config.POOL_DOMAIN });
  const parts = {
    core,
    labeler,
    spool: relay?.spool,
    policyBook: relay?.policyBook,
    providers: providers && createProviderPages({ desk: providers, members: core.members, clock }),
    proofs,
    clock,
  };
  const desk = createExportDesk(parts);
  const vouchDesk = createVouchDesk({ core, find: accounts.find });
  const leaveDesk = createLeaveDesk({ core, labeler, relay });
  return {
    proofs,
    exports: desk,
    pages: createExportPages({ ...parts, desk }),
    vouchDesk,
    vouches: createVouchPages(vouchDesk),
    leaveDesk,
    leaving: createLeavePages(leaveDesk),
  };
}

export type Taking = ReturnType<typeof openTaking>;
