import type { MadeCredential } from "../member/index.ts";
import type { ShownCredential, WebActions } from "../web/index.ts";
import { refusal } from "./admin/refusal.ts";
import type { Core } from "./core/index.ts";
import { envLines, pdsEnvironment, type SubmissionPoint } from "./pds-environment.ts";

const ANSWERED =
  "This pause was answered before, perhaps by the same button pressed twice, and nothing was done now. If its credential was replaced and you have not seen the new secret, ask the committee to revoke that and to make another: nobody can show it again.";
const DECIDED =
  "This application was decided before. If there is another now, read that, and decide on its page.";

/** What the forms of the pages do, in core. */
export function createWebActions(core: Core, submission: () => SubmissionPoint): WebActions {
  function shown(made: MadeCredential): ShownCredential {
    const { name, username, secret, domains } = made;
    const environment = pdsEnvironment(submission(), made, domains[0]!);
    return {
      name,
      username,
      secret,
      lines: typeof environment === "string" ? environment : envLines(environment),
    };
  }

  return {
    async answerPause(did, id, answer, who, reason) {
      const result = core.pauseDesk.answer(did, id, answer, who, reason);
      if ("error" in result)
        return { refused: result.error === "no-pause" ? ANSWERED : refusal(result).message };
      await core.told();
      return { done: true, credentials: result.replaced.map(shown) };
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
