import { existsSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { createSpool } from "../spool.ts";
import { isOpen } from "../store.ts";
import type { NewRecipient } from "../types.ts";
import { SalvageError } from "./error.ts";
import type { Salvage, SalvagedMessage } from "./index.ts";

export type Restored = {
  messages: number;
  recipients: number;
  /** Ids of messages that were left out: they are not whole, or none of their recipients could be read. */
  left: string[];
  /** Ids of messages that wait for some of their recipients only: the others could not be read. */
  partly: string[];
};

/** Why it waits, and for whom: a page that was old may say of a delivered message that it waits. */
const HOLD = { reason: "by-hand", owner: "committee", note: "read out of a damaged spool" } as const;
const UNSIGNED = { reason: "signing", owner: "signing" } as const;

/**
 * Makes a new spool at `path` of what `salvage` wrote into `dir`: each message that is whole, for the recipients that wait
 * for it, held until a person releases it. Notices of the pool, which nobody can hold, leave at once. `now`: ms since the
 * epoch. @throws SalvageError
 */
export async function restore(dir: string, path: string, now: number): Promise<Restored> {
  const there = leftAt(path);
  if (there.length > 0)
    throw new SalvageError(
      `${there.join(", ")} is there already: move ${path} away with its -wal and -bodies, and salvage it there.`,
    );
  const messages = salvaged(dir).filter(
    ({ recipients, unread }) => unread > 0 || recipients.some(({ state }) => isOpen(state)),
  );
  // Half a spool must not be started.
  const made = `${path}-restoring`;
  remove(made);
  const spool = await createSpool({ path: made });
  const restored: Restored = { messages: 0, recipients: 0, left: [], partly: [] };
  let done = false;
  try {
    for (const message of messages) {
      const recipients = waitingOf(message, now);
      if (!message.whole || message.eml === null || recipients.length === 0) {
        restored.left.push(message.id);
        continue;
      }
      if (message.unread > 0) restored.partly.push(message.id);
      const content = readFileSync(join(dir, basename(message.eml)));
      const end = content.indexOf("\r\n\r\n") + 4;
      const body = spool.newBody();
      await body.write(content.subarray(end));
      const { recipients: _, eml: __, whole: ___, unread: ____, receivedAt, ...row } = message;
      await spool.accept({
        message: {
          ...row,
          receivedAt: Date.parse(receivedAt) || now,
          size: content.length,
          head: content.subarray(0, end),
          body: await body.finish(),
        },
        recipients,
        events: [],
      });
      restored.messages++;
      restored.recipients += recipients.length;
    }
    done = true;
  } finally {
    await spool.close();
    if (!done) remove(made);
  }
  // Bodies without their database do not start; a database without them would have lost them.
  renameSync(`${made}-bodies`, `${path}-bodies`);
  renameSync(made, path);
  return restored;
}

/** What is there of a spool: a new one would remove its bodies as nobody's, and its WAL as an old one. */
function leftAt(path: string): string[] {
  const bodies = `${path}-bodies`;
  return [
    ...[path, `${path}-wal`].filter((file) => existsSync(file)),
    ...(existsSync(bodies) && readdirSync(bodies).length > 0 ? [bodies] : []),
  ];
}

function remove(path: string): void {
  for (const end of ["", "-wal", "-shm", "-bodies"])
    rmSync(`${path}${end}`, { recursive: true, force: true });
}

function salvaged(dir: string): SalvagedMessage[] {
  const file = join(dir, "salvage.json");
  try {
    return (JSON.parse(readFileSync(file, "utf8")) as Salvage).messages;
  } catch (error) {
    throw new SalvageError(`${file} cannot be read: ${(error as Error).message}`);
  }
}

function waitingOf({ kind, unsigned, recipients }: SalvagedMessage, now: number): NewRecipient[] {
  const state =
    kind === "mail"
      ? ({ state: "held", hold: unsigned ? UNSIGNED : HOLD } as const)
      : ({ state: "queued" } as const);
  return recipients
    .filter((recipient) => isOpen(recipient.state))
    .map(({ id, address, notify, orcpt }) => ({
      ...state,
      id,
      address,
      domain: address.slice(address.lastIndexOf("@") + 1).toLowerCase(),
      nextAt: now,
      firstTime: true,
      notify,
      orcpt,
    }));
}
