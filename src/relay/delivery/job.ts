import type { EgressAddress } from "../../egress/index.ts";
import type { Leased, MessageContent } from "../../spool/index.ts";
import type { Needs } from "./envelope.ts";
import type { AttemptResult } from "./result.ts";
import type { Route } from "./route.ts";
import type { Ways } from "./ways.ts";

/** One recipient on its way. */
export type Job = {
  leased: Leased;
  route: Extract<Route, { ok: true }>;
  /** The hosts that it may go to, and what each must show. The same object for all mail that may share a refusal. */
  ways: Ways;
  egress: EgressAddress;
  from: string;
  content: () => Promise<MessageContent | undefined>;
  /** May it go now? Asked before MAIL and before the final dot. */
  mayGo: () => boolean;
  /** Called once. */
  done: (end: JobEnd) => void;
};

export type JobEnd =
  | {
      kind: "tried";
      result: AttemptResult;
      /** Something of it was said to a host (MAIL). */
      asked: boolean;
      /** Another job failed, and this one with it. */
      shared: boolean;
      /** No host was reached; over another kind of address of ours there may be one. */
      unreached: boolean;
    }
  /**
   * Nobody was asked, and will not be before `until`; a sentence that says why. `full`: too much is in
   * hand for its destination.
   */
  | { kind: "waits"; until: number; why: string; full?: true }
  /** It may not go now. */
  | { kind: "stopped"; asked: boolean };

/** What its message needs of any host. */
export function needsOf({ leased: { message, address } }: Pick<Job, "leased">): Needs {
  const { size, eightBit, smtpUtf8 } = message;
  return { size, eightBit, smtpUtf8, recipients: [{ address }] };
}
