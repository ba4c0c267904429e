import type { MadeCredential } from "../member/index.ts";
import type { Ending } from "../standing/index.ts";
import type { Who } from "../web/index.ts";
import { refusal } from "./admin/refusal.ts";
import type { PauseRefusal } from "./core/pause-desk.ts";
import { wordsFor, type DeskParts, type DeskRefusal } from "./member-desk-parts.ts";
import { envLines, pdsEnvironment } from "./pds-environment.ts";

/** A credential in place of one that may be in other hands. Its secret is here once. */
export type ReplacedCredential = MadeCredential & {
  /** For the environment file of a PDS. */
  lines: string;
};

const ANSWERED =
  "This pause was answered before, perhaps by the same button pressed twice, and nothing was done now. If its credential was replaced and you have not seen the new secret, ask the committee to revoke that and to make another: nobody can show it again.";

/** The end of a pause, as the member or the committee says it: the same for pages and API. */
export function pauseDesk({ core, submission }: Pick<DeskParts, "core" | "submission">) {
  function replaced(made: MadeCredential): ReplacedCredential {
    const environment = pdsEnvironment(submission(), made, made.domains[0]!);
    return { ...made, lines: typeof environment === "string" ? environment : envLines(environment) };
  }

  return {
    async answer(
      did: string,
      id: number,
      answer: Ending,
      who: Who,
      reason: string,
    ): Promise<{ credentials: ReplacedCredential[] } | DeskRefusal> {
      const result = core.pauseDesk.answer(did, id, answer, who, reason);
      if ("error" in result) return words(result);
      await core.told();
      return { credentials: result.replaced.map(replaced) };
    },
  };
}

function words(error: PauseRefusal): DeskRefusal {
  switch (error.error) {
    case "no-pause":
      return { error: "NotPaused", message: ANSWERED };
    case "not-yours":
    case "not-answered":
      return refusal(error);
    default:
      return wordsFor(error);
  }
}
