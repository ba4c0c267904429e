import type { Clock } from "../lib/clock.ts";
import { randomId, type RandomBytes } from "../lib/ids.ts";
import type { Database } from "../platform/database.ts";
import { nextTry, receiverAfter, type Answer } from "./schedule.ts";
import { secretOf, signedHeaders } from "./sign.ts";
import { createWebhookStore, type MessageRow, type MessageState, type WebhookRow } from "./store.ts";
import { webhookUrl } from "./url.ts";

export { type Answer } from "./schedule.ts";
export { webhookMigration } from "./store.ts";

/** Posts a body and says what was answered. Never rejects; bounded in size and time. */
export type Post = (url: string, headers: Record<string, string>, body: string) => Promise<Answer>;

export type WebhookOptions = {
  db: Database;
  clock: Clock;
  random: RandomBytes;
  post: Post;
  /** From which the secrets of receivers follow. */
  key: Uint8Array;
  /** Sandbox: http too. */
  allowPrivate: boolean;
};

/** A member's receiver, as the member and the committee see it. */
export type WebhookView = {
  url: string;
  setAt: number;
  setBy: string;
  /** Every try since then has failed. */
  failing: { since: number } | null;
  stopped: { at: number; why: string } | null;
};

/** One message and what came of it. */
export type WebhookReceipt = {
  id: string;
  about: string;
  type: string;
  at: number;
  state: MessageState;
  tries: number;
  nextAt: number | null;
  status: number | null;
  why: string;
};

export type Webhooks = ReturnType<typeof createWebhooks>;

const AT_ONCE = 8;
const SHOWN = 50;

/** Members' own receivers of what happens to them: signed as Standard Webhooks says, kept until taken or given up. */
export function createWebhooks(options: WebhookOptions) {
  const { db, clock, random, post, key, allowPrivate } = options;
  const store = createWebhookStore(db);
  let running: Promise<void> | undefined;

  const inUse = (did: string): WebhookRow | undefined => {
    const row = store.of(did);
    return row && row.url !== "" ? row : undefined;
  };

  async function deliver(message: MessageRow): Promise<void> {
    const receiver = inUse(message.did);
    if (!receiver) return;
    const { id, body } = message;
    const headers = signedHeaders(secretOf(key, message.did, receiver.turn), { id, at: clock.now(), body });
    const answer = await post(receiver.url, headers, body);
    db.transaction(() => conclude(message, receiver, answer));
  }

  function conclude(message: MessageRow, asked: WebhookRow, answer: Answer): void {
    const at = clock.now();
    const tries = message.tries + 1;
    const next = answer.ok ? null : nextTry(tries, at);
    const state = answer.ok ? "delivered" : next === null ? "failed" : "waiting";
    const why = answer.ok ? "" : answer.why;
    store.conclude(message.id, { tries, next_at: next, state, status: answer.status, why, state_at: at });
    // It was changed while the old one was asked: the answer says nothing about the new one.
    const now = store.of(message.did);
    if (now?.turn !== asked.turn || now.url !== asked.url) return;
    const { failingSince, gone } = receiverAfter(now.failing_since, answer, at, next === null);
    store.receiver(message.did, failingSince, gone ? { at, why } : null);
    if (gone) store.giveUp(message.did, `the receiver is asked no more: ${why}`, at);
  }

  async function run(signal: AbortSignal | undefined): Promise<void> {
    const asked = new Map<string, Promise<void>>();
    try {
      for (;;) {
        if (signal?.aborted) return;
        const due = store.due(clock.now(), 2 * AT_ONCE).filter(({ did }) => !asked.has(did));
        for (const message of due.slice(0, AT_ONCE - asked.size))
          asked.set(
            message.did,
            deliver(message).finally(() => asked.delete(message.did)),
          );
        if (asked.size === 0) return;
        await Promise.race(asked.values());
      }
    } finally {
      await Promise.allSettled(asked.values());
    }
  }

  return {
    /** Names a receiver. Its secret is in the answer, and is a new one each time. */
    set(
      did: string,
      url: string,
      by: string,
    ): { ok: true; url: string; secret: string } | { ok: false; why: string } {
      const read = webhookUrl(url, allowPrivate);
      if (!read.ok) return read;
      store.set(did, read.url, clock.now(), by);
      return { ok: true, url: read.url, secret: secretOf(key, did, store.of(did)!.turn) };
    },

    /** No receiver any more; what waited is dropped. */
    remove: (did: string, by: string): void => db.transaction(() => store.remove(did, clock.now(), by)),

    /** Who named the receiver, and where it was. The count of secrets stays, so that none comes twice. */
    forget: (did: string): void => db.transaction(() => store.forget(did)),

    of(did: string): WebhookView | undefined {
      const row = inUse(did);
      return (
        row && {
          url: row.url,
          setAt: row.set_at,
          setBy: row.set_by,
          failing: row.failing_since === null ? null : { since: row.failing_since },
          stopped: row.stopped_at === null ? null : { at: row.stopped_at, why: row.stopped_why ?? "" },
        }
      );
    },

    /** One message about one thing, in the transaction of the caller; without a receiver there is none. */
    wish(did: string, message: { about: string; type: string; data: Record<string, unknown> }): void {
      if (!inUse(did)) return;
      const { about, type, data } = message;
      const at = clock.now();
      const body = JSON.stringify({ type, timestamp: new Date(at).toISOString(), data: { did, ...data } });
      store.insert({ id: `msg_${randomId(15, random)}`, did, about, type, body, at });
    },

    /** Asks the receiver at once with a message of the type `test`, of which nothing is kept; undefined: there is none. */
    async test(did: string): Promise<Answer | undefined> {
      const receiver = inUse(did);
      if (!receiver) return undefined;
      const at = clock.now();
      const id = `msg_${randomId(15, random)}`;
      const body = JSON.stringify({ type: "test", timestamp: new Date(at).toISOString(), data: { did } });
      return post(receiver.url, signedHeaders(secretOf(key, did, receiver.turn), { id, at, body }), body);
    },

    /**
     * Sends what is due, eight receivers at once, one message of each at a time, so that who answers slowly keeps only its
     * own waiting. Ends when nothing is due, or soon after it is told to.
     */
    async deliverDue(signal?: AbortSignal): Promise<void> {
      running ??= run(signal).finally(() => (running = undefined));
      await running;
    },

    /** Drops messages of before that wait no more, at most `limit`; returns how many. */
    prune: store.prune,
    /** The newest first. */
    receipts: (did: string, limit = SHOWN): WebhookReceipt[] => store.messagesOf(did, limit).map(receiptOf),
    receipt(about: string): WebhookReceipt | undefined {
      const row = store.about(about);
      return row && receiptOf(row);
    },
  };
}

const receiptOf = ({
  id,
  about,
  type,
  at,
  state,
  tries,
  next_at,
  status,
  why,
}: MessageRow): WebhookReceipt => ({
  id,
  about,
  type,
  at,
  state,
  tries,
  nextAt: next_at,
  status,
  why,
});
