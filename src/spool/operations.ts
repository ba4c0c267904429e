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
import type { SpoolErrorKind } from "./errors.ts";
import * as holds from "./holds.ts";
import * as leases from "./lease.ts";
import * as queue from "./queue.ts";
import * as search from "./search.ts";
import * as store from "./store.ts";
import * as told from "./told.ts";
import type {
  Acceptance,
  Accepted,
  AttemptView,
  Leased,
  MessageRow,
  MessageView,
  OperationView,
  Outcome,
  RecipientState,
  ToldView,
} from "./types.ts";
import * as views from "./views.ts";

/** What the writer can do: the arguments and result of each operation, as they cross the thread. */
export type Operations = {
  accept: (a: Acceptance) => Accepted;
  submission: (a: {
    credential: string;
    key: string;
    now: number;
  }) => { message: string; digest: string } | undefined;
  lease: (a: leases.LeaseRequest) => { leased: Leased[]; nextDue: number | undefined };
  renew: (a: { recipientIds: string[]; leaseMs: number | undefined }) => number;
  record: (a: { outcomes: Outcome[]; now: number }) => void;
  leaseHeld: (a: leases.HeldRequest) => Leased[];
  leaseThese: (a: { apply: queue.ApplyRequest; leaseMs: number | undefined }) => Leased[];
  kinds: (a: { did: string }) => holds.Kind[];
  holds: (a: holds.HoldDecisions) => void;
  find: (a: queue.FindRequest) => queue.Found;
  apply: (a: queue.ApplyRequest) => string[];
  operationsOf: (a: { messageId: string }) => OperationView[];
  unsigned: (a: { after: number; limit: number }) => (MessageRow & { seq: number })[];
  sign: (a: { messageId: string; head: Uint8Array; now: number }) => boolean;
  content: (a: { messageId: string }) => store.Content | undefined;
  counts: (a: null) => Partial<Record<RecipientState, number>>;
  openCount: (a: null) => number;
  oldestWaiting: (a: null) => number | undefined;
  messages: (a: views.MessagesRequest) => MessageView[];
  search: (a: search.SearchRequest) => search.SearchSlice;
  message: (a: { id: string }) => MessageView | undefined;
  messageByRecipient: (a: { recipientId: string }) => MessageView | undefined;
  messagesByMessageId: (a: { messageId: string }) => MessageView[];
  attempts: (a: { messageId: string }) => AttemptView[];
  toldTo: (a: told.ToldRequest) => ToldView[];
  toldOf: (a: { messageId: string }) => ToldView[];
  prune: (a: { before: number; limit: number }) => number;
  forgetOf: (a: { did: string; receivedUpTo: number; limit: number }) => number;
  pruneKeys: (a: { now: number; limit: number }) => number;
  loadPolicies: (a: null) => { policies: MemberPolicy[]; limits: LimitRow[]; pauses: Pause[] };
  savePolicy: (a: MemberPolicy) => void;
  savePause: (a: Pause) => void;
  appendEvents: (a: Envelope[]) => void;
  readOutbox: (a: { limit: number }) => OutboxRow[];
  clearOutbox: (a: { upTo: number }) => void;
  outboxDepth: (a: null) => number;
  integrity: (a: null) => string[];
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
  | { id: number; ok: false; error: string; kind: SpoolErrorKind };
/** The first thing that the writer says. */
export type Opened = { opened: true } | { opened: false; error: string; kind: SpoolErrorKind };

/** Runs an operation; files that a commit makes superfluous go into `unneeded`. `elapsed`: see `LeaseState`. */
export function operationsOn(db: Database, unneeded: string[], elapsed: () => number): Operations {
  const state = leases.createLeaseState(elapsed);
  return {
    accept(a) {
      const accepted = store.accept(db, a);
      const notStored = accepted.duplicateOf !== undefined || accepted.conflict !== undefined;
      if (notStored && "file" in a.message.body) unneeded.push(a.message.body.file);
      return accepted;
    },
    submission: (a) => store.submissionOf(db, a),
    lease: (a) => {
      const leased = leases.lease(db, a, state);
      return { leased, nextDue: leases.nextDue(db) };
    },
    renew: ({ recipientIds, leaseMs }) => leases.renew(db, recipientIds, leaseMs, state),
    record: ({ outcomes, now }) => {
      for (const outcome of outcomes) {
        const file = store.recordOutcome(db, outcome, now);
        if (file) unneeded.push(file);
      }
    },
    leaseHeld: (a) => leases.leaseHeld(db, a, state),
    leaseThese: ({ apply, leaseMs }) =>
      leases.leaseThese(db, queue.apply(db, apply, unneeded), leaseMs, state),
    kinds: ({ did }) => holds.kindsOf(db, did),
    holds: (a) => holds.setHolds(db, a),
    find: (a) => queue.find(db, a),
    apply: (a) => queue.apply(db, a, unneeded),
    operationsOf: ({ messageId }) => views.operationsOf(db, messageId),
    unsigned: ({ after, limit }) => views.unsigned(db, after, limit),
    sign: (a) => store.sign(db, a),
    content: ({ messageId }) => store.readContent(db, messageId),
    counts: () => views.countStates(db),
    openCount: () => views.openCount(db),
    oldestWaiting: () => views.oldestWaiting(db),
    messages: (a) => views.messagesOf(db, a),
    search: (a) => search.searchSlice(db, a),
    message: ({ id }) => views.messageById(db, id),
    messageByRecipient: ({ recipientId }) => views.messageByRecipient(db, recipientId),
    messagesByMessageId: ({ messageId }) => views.messagesByMessageId(db, messageId),
    attempts: ({ messageId }) => views.attemptsOf(db, messageId),
    toldTo: (a) => told.toldTo(db, a),
    toldOf: ({ messageId }) => told.toldOf(db, messageId),
    prune: ({ before, limit }) => store.prune(db, before, limit),
    forgetOf: ({ did, receivedUpTo, limit }) => store.forgetOf(db, did, receivedUpTo, limit),
    pruneKeys: ({ now, limit }) => store.pruneKeys(db, now, limit),
    loadPolicies: () => loadPolicies(db),
    savePolicy: (policy) => savePolicy(db, policy),
    savePause: (pause) => savePause(db, pause),
    appendEvents: (events) => store.appendEvents(db, events),
    readOutbox: ({ limit }) => readOutbox(db, limit),
    clearOutbox: ({ upTo }) => clearOutbox(db, upTo),
    outboxDepth: () => outboxDepth(db),
    integrity: () =>
      db
        .all<{ quick_check: string }>("PRAGMA quick_check(20)")
        .map((row) => row.quick_check)
        .filter((finding) => finding !== "ok"),
  };
}
