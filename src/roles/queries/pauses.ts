import { pauseWords, type Pause } from "../../standing/index.ts";
import type { MemberPause } from "../../web/index.ts";
import type { QueryParts } from "./parts.ts";

const MOST = 10_000;

/** A pause in words, with what waits for it where the spool is here. */
export async function pauseView({ core, spool, clock }: QueryParts, pause: Pause): Promise<MemberPause> {
  const { did, credential } = pause;
  const waiting =
    pause.end === null && spool
      ? await spool.drop({
          filter: { did, states: ["held"], ...(credential !== null && { credential }) },
          by: "",
          why: "",
          now: clock.now(),
          limit: MOST,
          dryRun: true,
        })
      : undefined;
  return {
    ...pause,
    ...pauseWords(pause.cause),
    credentialName: credential === null ? null : (core.members.credential(credential)?.name ?? credential),
    inUse: core.members
      .credentialsOf(did)
      .some((one) => one.revoked === null && (credential === null || one.id === credential)),
    held: waiting?.recipients ?? null,
    mails: {
      paused: core.notices.receipt(`pause:${pause.id}:paused`) ?? null,
      resumed: core.notices.receipt(`pause:${pause.id}:resumed`) ?? null,
    },
  };
}
