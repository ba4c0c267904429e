import type { Egress } from "../egress/index.ts";
import type { Clock } from "../lib/clock.ts";
import type { Logger } from "../platform/log.ts";
import type { LiftedMeasure, MeasureInForce, Measures } from "../shaping/index.ts";
import type { Spool } from "../spool/index.ts";
import type { QueueDesk } from "./queue-desk.ts";

export type MeasuresDeskOptions = {
  measures: Pick<Measures, "inForce" | "lift" | "lifted">;
  egress: Pick<Egress, "unpause">;
  queue: Pick<QueueDesk, "act">;
  spool: Pick<Spool, "list">;
  clock: Clock;
  log: Logger;
};

export type Lifted = {
  measures: MeasureInForce[];
  /** Recipients whose mail waited for it and is due now. */
  due: number;
};

export type MeasuresDesk = ReturnType<typeof createMeasuresDesk>;

const LIFTS = 20;
/** Of what waits, so much is looked through; the rest comes when it is due by itself. */
const MOST_LOOKED_AT = 20_000;
const PAGE = 1_000;

/** What replies made this node do, for people: what is in force, and the end of it. */
export function createMeasuresDesk(options: MeasuresDeskOptions) {
  const { measures, egress, queue, spool, clock, log } = options;

  /** Recipients that wait with the words of one of these. */
  async function waiting(ended: readonly MeasureInForce[]): Promise<string[]> {
    const ids: string[] = [];
    let before: number | undefined;
    for (let seen = 0; seen < MOST_LOOKED_AT; seen += PAGE) {
      const page = await spool.list(
        { states: ["queued"] },
        {
          limit: PAGE,
          ...(before !== undefined && { before }),
        },
      );
      for (const { id, did, waits } of page.entries) {
        const isOf = ({ kind, subject, why }: MeasureInForce) =>
          kind !== "slow" && waits?.includes(why) === true && (kind === "pause" || subject === did);
        if (ended.some(isOf)) ids.push(id);
      }
      if (page.next === undefined) break;
      before = page.next;
    }
    return ids;
  }

  return {
    now: () => clock.now(),
    /** Those that end last come first. */
    inForce: (): MeasureInForce[] =>
      measures.inForce(clock.now()).toSorted((a, b) => b.until - a.until || a.since - b.since),
    lifted: (): LiftedMeasure[] => measures.lifted(LIFTS),
    /** Undefined: nothing is in force of this address or member there. */
    async lift(
      provider: string,
      subject: string,
      person: { by: string; why: string },
    ): Promise<Lifted | undefined> {
      const ended = measures.lift(provider, subject, person, clock.now());
      if (ended.length === 0) return undefined;
      if (ended.some(({ kind }) => kind === "pause")) egress.unpause(subject, provider);
      log.warn({ provider, subject, ...person }, "a person ended what a provider's replies had asked for");
      const ids = await waiting(ended);
      let due = 0;
      for (let i = 0; i < ids.length; i += PAGE) {
        const filter = { ids: ids.slice(i, i + PAGE) };
        due += (await queue.act("requeue", { filter, limit: PAGE, ...person })).recipients;
      }
      return { measures: ended, due };
    },
  };
}
