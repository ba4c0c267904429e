import type { Clock } from "../lib/clock.ts";
import { createRateTable } from "../lib/rate-table.ts";
import type { Logger } from "../platform/log.ts";
import { intake, type IntakeOutcome, type IntakeParts } from "./intake.ts";
import type { Progress } from "./progress.ts";
import type { RepoHint } from "./source/index.ts";
import { hintUri, type Hint } from "./store.ts";
import type { Attestation, AttestationChange } from "./types.ts";

export type FollowerParts = {
  intake: IntakeParts;
  progress: Progress;
  clock: Clock;
  log: Logger;
  tell: (kind: AttestationChange["kind"], of: Pick<Attestation, "uri" | "did" | "domain">) => void;
};

export type Follower = ReturnType<typeof createFollower>;

const MAX_ATTEMPTS = 20;
const UNREACHABLE: ReadonlySet<string> = new Set(["did-unresolvable", "pds-unreachable"]);
/** Hints that sources may give of one account: what is above it waits. */
const HINTS_PER_DID = { limit: 100, periodMs: 3_600_000, burst: 100 };
const MAX_DIDS = 20_000;

/** Follows hints: one at a time of one account, as many of it as is reasonable, and again what could not be reached. */
export function createFollower({ intake: parts, progress, clock, log, tell }: FollowerParts) {
  const { store } = parts;
  const budget = createRateTable(HINTS_PER_DID, MAX_DIDS);
  const lanes = new Map<string, Promise<unknown>>();

  /** What concerns one account is done in the order in which it was said, and so in that of its revisions. */
  function inLane<T>(did: string, work: () => Promise<T>): Promise<T> {
    const run = (lanes.get(did) ?? Promise.resolve()).then(work, work);
    lanes.set(did, run);
    const leave = () => {
      if (lanes.get(did) === run) lanes.delete(did);
    };
    run.then(leave, leave);
    return run;
  }

  async function followNow(hint: Hint): Promise<IntakeOutcome> {
    const uri = hintUri(hint);
    const before = store.get(uri)?.facts;
    const found = await intake(hint, parts);
    log.debug({ uri, outcome: found.outcome, detail: found.detail }, "attestation intake");
    if (mustAskAgain(found.outcome, before)) putAside(hint);
    else progress.dropRetry(uri);
    const after = store.get(uri)?.facts;
    if (found.outcome === "stored" && after) tell("stored", after);
    if (before?.endedAt === null && after && after.endedAt !== null) tell("ended", after);
    return found;
  }

  const follow = (hint: Hint) => inLane(hint.did, () => followNow(hint));

  /** Tries again after 1, 2, 4 … minutes, at most every 6 hours, and gives up after some days. */
  function putAside(hint: Hint): void {
    const uri = hintUri(hint);
    if (hint.rkey.length > 512 || progress.retryAttempts(uri) >= MAX_ATTEMPTS) return progress.dropRetry(uri);
    progress.retryLater(hint, (n) => clock.now() + Math.min(60_000 * 2 ** (n - 1), 6 * 3_600_000));
  }

  function accountEnded(did: string): void {
    const ending = store.byDid(did).flatMap((a) => (a.facts.endedAt === null ? [a.facts] : []));
    store.transaction(() => {
      for (const { uri } of ending) store.end(uri, "account", undefined, clock.now());
    });
    for (const a of ending) tell("ended", a);
  }

  /** What was said of the account is hidden at once, and forgotten when its directory or host says the same. */
  async function accountDeleted(did: string): Promise<void> {
    accountEnded(did);
    const [held] = store.byDid(did);
    if (!held) return;
    const found = await followInShare(held.hint);
    if (!found?.gone) return;
    store.purge(did);
    progress.dropRetriesOf(did);
    log.info({ did }, "a deleted account was forgotten");
  }

  /** As far as the account's share of hints goes; the rest waits. */
  async function followInShare(hint: Hint): Promise<IntakeOutcome | undefined> {
    if (budget.take(hint.did, clock.now()).ok) return followNow(hint);
    const waits = progress.retryLater(hint, () => clock.now() + HINTS_PER_DID.periodMs);
    log.debug({ did: hint.did, waits }, "an account gives too many hints");
    return undefined;
  }

  async function handle(hint: RepoHint): Promise<void> {
    if (hint.kind === "record") return void (await followInShare(hint.hint));
    if (hint.kind === "account" && hint.status === "inactive") return accountEnded(hint.did);
    if (hint.kind === "account" && hint.status === "deleted") return accountDeleted(hint.did);
    for (const held of store.byDid(hint.did)) await followInShare(held.hint);
  }

  return {
    follow,
    /** What a source said. Of accounts of which we hold nothing, only records matter. */
    async followHint(hint: RepoHint): Promise<void> {
      const did = hint.kind === "record" ? hint.hint.did : hint.did;
      await inLane(did, () => handle(hint));
    },
  };
}

/** What is out of reach, and what should have been newer, is asked for again. */
function mustAskAgain(outcome: IntakeOutcome["outcome"], before: Attestation | undefined): boolean {
  if (UNREACHABLE.has(outcome)) return true;
  if (outcome === "bad-proof") return before?.endedAt === null;
  return outcome === "stale" && (before === undefined || before.endedAt === null);
}
