import {
  closeSync,
  createReadStream,
  mkdirSync,
  openSync,
  readdirSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { relaxedBodyHash } from "../../protocol/dkim/index.ts";
import { isOpen } from "../store.ts";
import { RECIPIENT_STATES, type MessageRow, type RecipientState } from "../types.ts";
import { SalvageError } from "./error.ts";
import { openPages } from "./pages.ts";
import { createRowReader, type Row, type Value } from "./rows.ts";

export type SalvagedRecipient = {
  id: string;
  address: string;
  state: RecipientState;
  attempts: number;
  notify: string | null;
  orcpt: string | null;
};

export type SalvagedMessage = Omit<MessageRow, "receivedAt" | "size"> & {
  /** It could not be signed, and was held for that. */
  unsigned: boolean;
  /** ISO 8601. */
  receivedAt: string;
  /** Name of its file; null: its content could not be read. */
  eml: string | null;
  /** Nothing of it is missing, and its body is what was signed. (Of a changed character in a header nothing can tell.) */
  whole: boolean;
  recipients: SalvagedRecipient[];
  /** So many more recipients wait for it, of which nothing could be read. */
  unread: number;
};

export type Salvage = {
  /** Messages that somebody waits for, or whose recipients could not be read. */
  messages: SalvagedMessage[];
  /** Waiting recipients whose message could not be read. */
  orphans: SalvagedRecipient[];
  /** Ids of messages that were there, and of which nothing more could be read. */
  lost: string[];
  /** Messages that were finished: delivered, bounced and so on. Their content was gone already. */
  finished: number;
  pages: number;
  /** Damaged frames of the WAL. */
  badFrames: number;
};

type Found = { message: SalvagedMessage; seq: number };

const waitingFor = ({ recipients }: SalvagedMessage) =>
  recipients.filter(({ state }) => isOpen(state)).length;

/**
 * Reads what can be read out of a damaged spool, without changing it: each message that somebody waits for becomes a
 * file `<id>.eml` of `out`, and `salvage.json` says for whom each is and what is missing. The tables are read from their
 * roots; then every page that could not be reached is looked at by itself. @throws SalvageError
 */
export async function salvage(path: string, out: string): Promise<Salvage> {
  mkdirSync(out, { recursive: true, mode: 0o700 });
  if (readdirSync(out).length > 0) throw new SalvageError(`${out} is not empty: name a new directory.`);
  let pages: ReturnType<typeof openPages>;
  try {
    pages = openPages(path);
  } catch (error) {
    throw new SalvageError(`${path} cannot be opened: ${(error as Error).message}`);
  }
  try {
    const reader = createRowReader(pages);
    const roots = rootsOf(reader.rowsOf, reader.tree);
    const seen = new Set<number>();
    const reached = (name: string) => [...reader.tree(roots.get(name) ?? 0, seen)];
    const messagePages = reached("message");
    const recipientPages = reached("recipient");
    for (const name of roots.keys()) reached(name);
    const free = reader.freePages();
    const loose: number[] = [];
    for (let n = 2; n <= pages.count; n++) if (!seen.has(n) && !free.has(n)) loose.push(n);

    const bySeq = new Map<number, Found>();
    const finished = new Set<number>();
    const ids = new Set<string>();
    for (const number of [...messagePages, ...loose]) {
      for (const row of reader.rowsOf(number)) {
        const id = messageId(row);
        if (id === undefined || ids.has(id) || bySeq.has(row.rowid) || finished.has(row.rowid)) continue;
        ids.add(id);
        const message = await writeMessage(row, id, path, out);
        if (message) bySeq.set(row.rowid, { message, seq: row.rowid });
        else finished.add(row.rowid);
      }
    }

    const orphans: SalvagedRecipient[] = [];
    const recipientIds = new Set<string>();
    for (const number of [...recipientPages, ...loose]) {
      for (const row of reader.rowsOf(number)) {
        const recipient = recipientOf(row);
        if (!recipient || recipientIds.has(recipient.id)) continue;
        recipientIds.add(recipient.id);
        const seq = row.values[2] as number;
        const found = bySeq.get(seq);
        if (found) found.message.recipients.push(recipient);
        else if (!finished.has(seq) && isOpen(recipient.state)) orphans.push(recipient);
      }
    }
    for (const { message } of bySeq.values())
      message.unread = Math.max(0, message.unread - waitingFor(message));
    const known = idsOf(
      [...reader.tree(roots.get("sqlite_autoindex_message_1") ?? 0, new Set())],
      reader.rowsOf,
    );
    const result: Salvage = {
      messages: [...bySeq.values()].sort((a, b) => a.seq - b.seq).map(({ message }) => message),
      orphans,
      lost: known.filter((id) => !ids.has(id)),
      finished: finished.size,
      pages: pages.count,
      badFrames: pages.badFrames,
    };
    writeFileSync(join(out, "salvage.json"), `${JSON.stringify(result, null, 2)}\n`, { mode: 0o600 });
    return result;
  } finally {
    pages.close();
  }
}

type Reader = ReturnType<typeof createRowReader>;

/** Roots of tables and indexes, by name. Empty when the schema cannot be read. */
function rootsOf(rowsOf: Reader["rowsOf"], tree: Reader["tree"]): Map<string, number> {
  const roots = new Map<string, number>();
  for (const number of tree(1, new Set())) {
    for (const { values } of rowsOf(number)) {
      const [type, name, , root] = values;
      if ((type === "table" || type === "index") && typeof name === "string" && typeof root === "number")
        roots.set(name, root);
    }
  }
  return roots;
}

function idsOf(numbers: number[], rowsOf: Reader["rowsOf"]): string[] {
  return numbers
    .flatMap((number) => rowsOf(number, true))
    .flatMap(({ values: [id] }) => (typeof id === "string" && ID.test(id) ? [id] : []));
}

const ID = /^[a-z2-7]{10,40}$/;
const STATES: ReadonlySet<Value | undefined> = new Set<Value>(RECIPIENT_STATES);

/** The columns of `message` up to `open` have kept their places in all schemas. */
function messageId({ values }: Row): string | undefined {
  const [, id, did, , kind, sender, fromDomain] = values;
  const fits =
    values.length >= 10 &&
    typeof id === "string" &&
    ID.test(id) &&
    typeof did === "string" &&
    did.startsWith("did:") &&
    (kind === "mail" || kind === "dsn" || kind === "notice" || kind === "report") &&
    typeof sender === "string" &&
    typeof fromDomain === "string";
  return fits ? id : undefined;
}

function recipientOf({ values }: Row): SalvagedRecipient | undefined {
  const [, id, message, address, , state, attempts] = values;
  if (typeof id !== "string" || !ID.test(id) || typeof message !== "number") return undefined;
  if (typeof address !== "string" || !address.includes("@") || !STATES.has(state)) return undefined;
  const [notify = null, orcpt = null] = values.slice(12, 14).map(textOf);
  return { id, address, state: state as RecipientState, attempts: Number(attempts ?? 0), notify, orcpt };
}

/** Undefined: it is finished, and its content is gone as it should be. */
async function writeMessage(
  { values, whole }: Row,
  id: string,
  path: string,
  out: string,
): Promise<SalvagedMessage | undefined> {
  const [, , did, credential, kind, sender, fromDomain, stream, receivedAt, , head, body, file] = values;
  const [open, priority, template, eightBit, smtpUtf8, ret, envid, unsigned, ask] = values.slice(13);
  if (whole && !head) return undefined;
  const message: SalvagedMessage = {
    id,
    did: String(did),
    credential: textOf(credential),
    kind: kind as MessageRow["kind"],
    sender: String(sender),
    fromDomain: String(fromDomain),
    stream: textOf(stream) ?? "transactional",
    priority: typeof priority === "number" ? priority : 1,
    template: textOf(template),
    eightBit: eightBit === 1,
    smtpUtf8: smtpUtf8 === 1,
    ret: ret === "FULL" || ret === "HDRS" ? ret : null,
    envid: textOf(envid),
    ask: ask === "require-tls" || ask === "tls-optional" || ask === "tls-report" ? ask : "usual",
    unsigned: unsigned === 1,
    receivedAt: isoTime(receivedAt),
    eml: null,
    whole: false,
    recipients: [],
    // All that wait, until those that can be read are counted.
    unread: typeof open === "number" ? open : 0,
  };
  if (!(head instanceof Uint8Array)) return message;
  const eml = `${id}.eml`;
  const stored = typeof file === "string" && ID.test(file) ? join(`${path}-bodies`, file) : undefined;
  const inline = body instanceof Uint8Array ? [body] : [];
  const target = openSync(join(out, eml), "wx", 0o600);
  try {
    const hash = relaxedBodyHash();
    writeSync(target, head);
    for await (const chunk of stored ? (createReadStream(stored) as AsyncIterable<Uint8Array>) : inline) {
      hash.update(chunk);
      writeSync(target, chunk);
    }
    const signed = bodyHashes(head);
    // Only what could not be signed has no signature.
    const asSigned = signed.length === 0 ? message.unsigned : signed.includes(hash.digest());
    return { ...message, eml, whole: whole && asSigned };
  } catch {
    // The body's file is gone or cannot be read to its end.
    return { ...message, eml };
  } finally {
    closeSync(target);
  }
}

function textOf(value: Value | undefined): string | null {
  return typeof value === "string" ? value : null;
}

function isoTime(at: Value | undefined): string {
  const time = new Date(typeof at === "number" ? at : Number.NaN);
  return Number.isNaN(time.getTime()) ? "" : time.toISOString();
}

/** The body hashes of its signatures (RFC 6376 section 3.7), of which ours is one. */
function bodyHashes(head: Uint8Array): string[] {
  const text = Buffer.from(head)
    .toString("latin1")
    .replace(/\r\n[ \t]+/g, " ");
  const hashes = text.matchAll(/^DKIM-Signature:.*?\bbh=([A-Za-z0-9+/= ]+?)\s*(?:;|$)/gim);
  return [...hashes].map((m) => m[1]!.replaceAll(" ", ""));
}
