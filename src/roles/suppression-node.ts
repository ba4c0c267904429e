import { existsSync, renameSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import type { Clock } from "../lib/clock.ts";
import type { Bus, Subscription } from "../platform/bus/index.ts";
import { Database, isStorageOutage } from "../platform/database.ts";
import type { Logger } from "../platform/log.ts";
import type { Spool } from "../spool/index.ts";
import {
  createSuppressionCopy,
  SUPPRESSION_ASK_TOPIC,
  SUPPRESSION_RELEASE_TOPIC,
  SUPPRESSION_TOPIC,
  suppressionCopyMigration,
  suppressionWords,
  type SuppressionRecall,
  type ToldSuppression,
} from "../suppression/index.ts";

export type SuppressionNodeOptions = {
  /** The file of the copy. */
  path: string;
  /** Of this node, as a name of groups. */
  hostname: string;
  keyOf: (address: string) => string;
  /** Where a member releases: its page. */
  publicUrl: string;
  bus: Bus;
  clock: Clock;
  log: Logger;
};

type Queue = { spool: Pick<Spool, "list" | "requeue">; wake: () => void };

const PAGE = 1_000;
export type SuppressionNode = ReturnType<typeof openSuppressionNode>;

/** A relay node's side: its copy of the list, asked at RCPT without core, and what becomes of mail that waits. */
export function openSuppressionNode(options: SuppressionNodeOptions) {
  const { keyOf, publicUrl, bus, clock, log } = options;
  const db = openCopy(options.path, log);
  const copy = createSuppressionCopy(db);
  let sweeping: Promise<void> | undefined;
  let wanted: ToldSuppression[] = [];
  let closed = false;
  const isOpen = () => !closed;
  let subscription: Subscription | undefined;

  const linkOf = (did: string) => `${publicUrl}/members/${did}/suppressions`;

  function check(did: string, address: string, stream: string | undefined): string | undefined {
    const entry = copy.check(did, keyOf(address), stream, clock.now());
    return entry && suppressionWords(entry, linkOf(did));
  }

  /**
   * Makes what waits and may not go due: delivery, which asks again before it sends, then ends it as suppressed and tells
   * the member. What is held is asked about when it is let go.
   */
  async function sweep({ spool, wake }: Queue, entries: readonly ToldSuppression[]): Promise<void> {
    const keys = new Set(entries.map(({ key }) => key));
    const dids = new Set(entries.map(({ did }) => did));
    const domains = new Set(entries.map(({ domain }) => domain));
    const [did] = dids;
    const [domain] = domains;
    const filter = {
      states: ["queued" as const, "deferred" as const],
      ...(dids.size === 1 && typeof did === "string" && { did }),
      ...(domains.size === 1 && domain && { recipientDomain: domain }),
    };
    let before: number | undefined;
    do {
      const page = await spool.list(filter, { limit: PAGE, ...(before !== undefined && { before }) });
      const ids = page.entries
        .filter(({ kind, inFlight }) => kind === "mail" && !inFlight)
        .filter(
          (one) => keys.has(keyOf(one.address)) && check(one.did, one.address, one.stream) !== undefined,
        )
        .map(({ id }) => id);
      if (ids.length > 0) {
        const why = "the recipient was put on the suppression list";
        await spool.requeue({ filter: { ids }, by: "suppression list", why, now: clock.now() });
        wake();
      }
      before = page.next;
    } while (before !== undefined && isOpen());
  }

  function look(queue: Queue, entries: readonly ToldSuppression[]): void {
    wanted.push(...entries);
    if (wanted.length === 0 || closed) return;
    sweeping ??= (async () => {
      while (wanted.length > 0 && isOpen()) {
        const now = wanted;
        wanted = [];
        await sweep(queue, now).catch((err: unknown) =>
          log.error(
            { err },
            "waiting mail was not looked at for suppressed recipients; it is before it leaves",
          ),
        );
      }
    })().finally(() => {
      sweeping = undefined;
      look(queue, []);
    });
  }

  return {
    /** Why this does not go, in the words of the reply; undefined: it does. */
    check,
    of: (did: string, page: { before?: number; limit: number }) => copy.of(did, clock.now(), page),
    about: (did: string, address: string) => copy.about(did, keyOf(address), clock.now()),
    /** Hears of changes from now on, and asks core for what came while it was away. */
    async follow(queue: Queue): Promise<void> {
      subscription = bus.subscribe<ToldSuppression | SuppressionRecall>(
        SUPPRESSION_TOPIC,
        `relay:${options.hostname}`,
        async (batch) => {
          let told: ToldSuppression[] = [];
          for (const { value } of batch) {
            if ("recall" in value) {
              look(queue, copy.apply(told));
              told = [];
              copy.recall(value.recall);
            } else told.push(value);
          }
          look(queue, copy.apply(told));
          // After a long import many follow one another: others are answered between them.
          await setImmediate();
        },
      );
      await bus.publish(SUPPRESSION_ASK_TOPIC, [{ key: options.hostname, value: { knows: copy.known() } }]);
    },
    /** Core lifts it; durable once resolved. */
    askRelease(did: string, address: string, by: string) {
      const key = keyOf(address);
      const seen = Math.max(0, ...copy.about(did, key, clock.now()).map(({ version }) => version));
      return bus.publish(SUPPRESSION_RELEASE_TOPIC, [{ key: did, value: { did, key, by, seen } }]);
    },
    prune: () => copy.prune(clock.now()),
    async settle() {
      await sweeping;
    },
    async close() {
      closed = true;
      await subscription?.close();
      await sweeping;
      db.close();
    },
  };
}

/** A copy that cannot be read is put aside: core tells all of it again. */
function openCopy(path: string, log: Logger): Database {
  const open = () => new Database(path, [suppressionCopyMigration]);
  try {
    return open();
  } catch (err) {
    if (isStorageOutage(err)) throw err;
    log.error({ err, path }, "the copy of the suppression list was damaged; it is put aside and told again");
    for (const end of ["", "-wal", "-shm"])
      if (existsSync(path + end)) renameSync(path + end, `${path}.damaged${end}`);
    return open();
  }
}
