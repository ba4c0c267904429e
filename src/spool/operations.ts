import { clearOutbox, outboxDepth, readOutbox, type Envelope, type OutboxRow } from "../event/index.ts";
import type { Database } from "../platform/database.ts";
import {
  loadPolicies,
  savePause,
  savePolicy,
  type LimitRow,
  type MemberPolicy,
  type Pause,
} from "../policy/index.ts";
import * as store from "./store.ts";
import type { Acceptance, AttemptView, Leased, MessageView, Outcome, RecipientState } from "./types.ts";

/** What the writer can do: the arguments and result of each operation, as they cross the thread. */
export type Operations = {
  accept: (a: Acceptance) => void;
  lease: (a: store.LeaseRequest) => { leased: Leased[]; nextDue: number | undefined };
  record: (a: { outcomes: Outcome[]; now: number }) => void;
  leaseHeld: (a: store.HeldRequest) => Leased[];
  holds: (a: { policy: MemberPolicy; now: number }) => void;
  content: (a: { messageId: string }) => store.Content | undefined;
  counts: (a: null) => Partial<Record<RecipientState, number>>;
  openCount: (a: null) => number;
  oldestWaiting: (a: null) => number | undefined;
  messages: (a: { did: string; before: number; limit: number }) => MessageView[];
  message: (a: { id: string }) => MessageView | undefined;
  messageByRecipient: (a: { recipientId: string }) => MessageView | undefined;
  attempts: (a: { messageId: string }) => AttemptView[];
  prune: (a: { before: number; limit: number }) => number;
  loadPolicies: (a: null) => { policies: MemberPolicy[]; limits: LimitRow[]; pauses: Pause[] };
  savePolicy: (a: MemberPolicy) => void;
  savePause: (a: Pause) => void;
  appendEvents: (a: Envelope[]) => void;
  readOutbox: (a: { limit: number }) => OutboxRow[];
  clearOutbox: (a: { upTo: number }) => void;
  outboxDepth: (a: null) => number;
};

/** What the writer is started with. */
export type WriterData = {
  path: string;
  bodyDir: string;
  maxPages: number | undefined;
  now: number | undefined;
};

export type OperationName = keyof Operations;
export type Request = { id: number; op: OperationName; args: unknown };
export type Answer =
  | { id: number; ok: true; value: unknown }
  | { id: number; ok: false; error: string; full: boolean };

/** Runs an operation; files that a commit makes superfluous go into `unneeded`. */
export function operationsOn(db: Database, unneeded: string[]): Operations {
  return {
    accept: (a) => store.insertMessage(db, a),
    lease: (a) => {
      const leased = store.lease(db, a);
      return { leased, nextDue: store.nextDue(db) };
    },
    record: ({ outcomes, now }) => {
      for (const outcome of outcomes) {
        const file = store.recordOutcome(db, outcome, now);
        if (file) unneeded.push(file);
      }
    },
    leaseHeld: (a) => store.leaseHeld(db, a),
    holds: ({ policy, now }) => store.setHolds(db, policy, now),
    content: ({ messageId }) => store.readContent(db, messageId),
    counts: () => store.countStates(db),
    openCount: () => store.openCount(db),
    oldestWaiting: () => store.oldestWaiting(db),
    messages: ({ did, before, limit }) => store.messagesOf(db, did, before, limit),
    message: ({ id }) => store.messageById(db, id),
    messageByRecipient: ({ recipientId }) => store.messageByRecipient(db, recipientId),
    attempts: ({ messageId }) => store.attemptsOf(db, messageId),
    prune: ({ before, limit }) => store.prune(db, before, limit),
    loadPolicies: () => loadPolicies(db),
    savePolicy: (policy) => savePolicy(db, policy),
    savePause: (pause) => savePause(db, pause),
    appendEvents: (events) => store.appendEvents(db, events),
    readOutbox: ({ limit }) => readOutbox(db, limit),
    clearOutbox: ({ upTo }) => clearOutbox(db, upTo),
    outboxDepth: () => outboxDepth(db),
  };
}
