import type { WebActions } from "../web/index.ts";
import { refusal } from "./admin/refusal.ts";
import type { Core } from "./core/index.ts";
import { pauseDesk } from "./member-desk-pauses.ts";
import type { SubmissionPoint } from "./pds-environment.ts";

const DECIDED =
  "This application was decided before. If there is another now, read that, and decide on its page.";

/** What the forms of the pages do, in core. */
export function createWebActions(core: Core, submission: () => SubmissionPoint): WebActions {
  const pauses = pauseDesk({ core, submission });
  return {
    async answerPause(did, id, answer, who, reason) {
      const answered = await pauses.answer(did, id, answer, who, reason);
      return "error" in answered ? { refused: answered.message } : { done: true, ...answered };
    },

    async decideApplication(did, { application, approve, tier, words, by }) {
      if (core.members.applications.open(did)?.id !== application) return { refused: DECIDED };
      const row = approve
        ? core.admission.approve(did, { tier, note: words, by })
        : core.admission.decline(did, { reason: words, by });
      if ("error" in row) return { refused: refusal(row).message };
      await core.told();
      return { done: true, credentials: [] };
    },
  };
}
