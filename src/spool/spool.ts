import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { dirname } from "node:path";
import { limitsOf, whyHeld, type MemberPolicy } from "../policy/index.ts";
import { createBodyWriter, readBodyFile } from "./bodies.ts";
import { SpoolError } from "./errors.ts";
import { search } from "./search.ts";
import type { HoldOptions, Spool } from "./face.ts";
import { checkSpool, damaged, markDamaged, type Integrity } from "./integrity.ts";
import { list, operate } from "./operate.ts";
import { createRoom } from "./room.ts";
import type { Acceptance } from "./types.ts";
import { startWriter, type Call } from "./writer.ts";

/** Room that is left for results, attempts and events when no more mail is taken. */
export const RESERVE_BYTES = 100 * 1024 * 1024;

export type SpoolOptions = {
  /** The SQLite file; bodies over 128 KiB are files in `<path>-bodies/`. */
  path: string;
  /** Size limit of the database in pages of 4 KiB. */
  maxPages?: number;
  /** Ms since the epoch: what waits for longer than any wait can be is brought back to the longest. */
  now?: number;
  /** Octets that stay free on the disk when no more mail is taken (`room`); default 100 MiB. */
  reserve?: number;
  /** How long the check of a spool that was not closed cleanly may take, in ms; default a minute. */
  checkMs?: number;
  /** What that check came to, when it found nothing wrong. */
  onChecked?: (integrity: Integrity) => void;
  /**
   * The writer died, or found the database damaged. Nothing that was acknowledged is lost by us, and nothing more can
   * be: end the process. Called once.
   */
  onFatal?: (error: SpoolError) => void;
};

/**
 * Opens a spool. Whatever a crashed process had leased is due again. Rejects with SpoolError when it cannot be opened;
 * when it is damaged, or its bodies are there without it (`corrupt`), nothing of it was changed.
 */
export async function createSpool(options: SpoolOptions): Promise<Spool> {
  const { path, maxPages, now, onFatal } = options;
  const bodyDir = `${path}-bodies`;
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  if (!existsSync(path) && hasBodies(bodyDir))
    throw new SpoolError(
      `${bodyDir} has the bodies of a spool, and ${path} is not there. Nothing was changed. Put it back, or move the bodies to where it is now: one that is made anew would remove them. docs/queue.md says more.`,
      "corrupt",
    );
  const integrity = await checkSpool(path, options.checkMs);
  if (integrity.outcome === "damaged") throw damaged(path, integrity.findings);
  options.onChecked?.(integrity);
  const { call, close } = await startWriter({ path, bodyDir, maxPages, now }, (error) => {
    if (error.kind === "corrupt") markDamaged(path, error.message);
    onFatal?.(error);
  }).catch((error: unknown) => {
    if (error instanceof SpoolError && error.kind === "corrupt") throw damaged(path, [error.message]);
    throw error;
  });
  const room = createRoom(dirname(path), options.reserve ?? RESERVE_BYTES);

  return {
    newBody: () => createBodyWriter(bodyDir),
    room,
    accept: (acceptance) => call("accept", acceptance, givenBy(acceptance)),
    submission: (credential, key, at) => call("submission", { credential, key, now: at }),
    lease: (request) => call("lease", request),
    renew: (recipientIds, leaseMs) => call("renew", { recipientIds, leaseMs }),
    leaseHeld: (request) => call("leaseHeld", request),
    leaseFor: (request) => operate(call, { ...request, action: "bounce" }),
    record: (outcomes, at) => call("record", { outcomes, now: at }),
    setHolds: (policy, at, holdOptions) => setHolds(call, policy, at, holdOptions),
    hold: async (request) => (await operate(call, { ...request, action: "hold" })).result,
    release: async (request) => (await operate(call, { ...request, action: "release" })).result,
    requeue: async (request) => (await operate(call, { ...request, action: "requeue" })).result,
    drop: async (request) => (await operate(call, { ...request, action: "drop" })).result,
    list: (filter, page) => list(call, filter, page),
    operations: (messageId) => call("operationsOf", { messageId }),
    unsigned: (limit, after = 0) => call("unsigned", { after, limit: Math.min(limit, 1_000) }),
    sign: (messageId, head, at) => call("sign", { messageId, head, now: at }),
    async content(messageId) {
      const content = await call("content", { messageId });
      if (!content) return undefined;
      const { head, body, file } = content;
      return {
        head,
        body: () => (file ? readBodyFile(bodyDir, file) : oneChunk(body ?? new Uint8Array())),
      };
    },
    counts: () => call("counts", null),
    openCount: () => call("openCount", null),
    oldestWaiting: () => call("oldestWaiting", null),
    messages: (did, { before = Number.MAX_SAFE_INTEGER, limit = 50, credential = null } = {}) =>
      call("messages", { did, credential, before, limit: Math.min(limit, 500) }),
    search: (filter, page) => search((slice) => call("search", slice), filter, page),
    message: (id) => call("message", { id }),
    messageByRecipient: (recipientId) => call("messageByRecipient", { recipientId }),
    messagesByMessageId: (messageId) => call("messagesByMessageId", { messageId }),
    attempts: (messageId) => call("attempts", { messageId }),
    toldTo: (did, { before = Number.MAX_SAFE_INTEGER, limit = 50 } = {}) =>
      call("toldTo", { did, before, limit: Math.min(limit, 500) }),
    toldOf: (messageId) => call("toldOf", { messageId }),
    async prune(before, { limit = 1_000, signal, now: at } = {}) {
      if (at !== undefined) await inGroups(() => call("pruneKeys", { now: at, limit }), limit, signal);
      return inGroups(() => call("prune", { before, limit }), limit, signal);
    },
    forget: (did, receivedUpTo, { limit = 500, signal } = {}) =>
      inGroups(() => call("forgetOf", { did, receivedUpTo, limit }), limit, signal),
    integrity: () => call("integrity", null),
    appendEvents: (events) => call("appendEvents", events),
    outbox: {
      read: (limit) => call("readOutbox", { limit }),
      clear: (upTo) => call("clearOutbox", { upTo }),
      depth: () => call("outboxDepth", null),
    },
    policies: {
      loadPolicies: () => call("loadPolicies", null),
      savePolicy: (policy) => call("savePolicy", policy),
      savePause: (pause) => call("savePause", pause),
    },
    close,
  };
}

async function setHolds(
  call: Call,
  policy: MemberPolicy,
  now: number,
  { why = (fromDomain, credential) => whyHeld(policy, fromDomain, credential) }: HoldOptions = {},
): Promise<void> {
  const { did } = policy;
  const perHour = limitsOf(policy).hour.limit;
  const kinds = await call("kinds", { did });
  if (kinds.length === 0) return;
  await call("holds", {
    did,
    now,
    perHour,
    kinds: kinds.map(({ fromDomain, credential }) => ({
      fromDomain,
      credential,
      hold: why(fromDomain, credential) ?? null,
      perHour: policy.credentials.find(({ id }) => id === credential)?.hourly ?? perHour,
    })),
  });
}

function givenBy({ message: { body } }: Acceptance): ArrayBuffer[] {
  return "bytes" in body && body.given && body.bytes.buffer instanceof ArrayBuffer ? [body.bytes.buffer] : [];
}

/** Whole ones: nothing waits for what was cut off. */
function hasBodies(bodyDir: string): boolean {
  return existsSync(bodyDir) && readdirSync(bodyDir).some((name) => !name.endsWith(".part"));
}

async function* oneChunk(chunk: Uint8Array): AsyncIterable<Uint8Array> {
  yield chunk;
}

/** Repeats `work` as long as it does as much as it may; others have their turn in between. Returns the sum. */
async function inGroups(
  work: () => Promise<number>,
  limit: number,
  signal: AbortSignal | undefined,
): Promise<number> {
  for (let total = 0; ;) {
    const done = await work();
    total += done;
    if (done < limit || signal?.aborted) return total;
  }
}
