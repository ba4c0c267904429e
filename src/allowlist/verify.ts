import { labelFromJson, verifyLabel, type LabelJson } from "../protocol/labels/index.ts";
import type { AddressEntry } from "./addresses.ts";
import type { Entry } from "./entries.ts";
import { readSnapshot, type SnapshotHead, type SnapshotPart, type SnapshotTail } from "./snapshot.ts";

/** `unknown`: who would have to say did not answer. */
export type Finding = { status: "good" } | { status: "bad" | "unknown"; why: string };

export type VerifyParts = {
  /** The label key of a labeler, from its DID document: a did:key; undefined when there is none. */
  keyOf: (labeler: string) => Promise<string | undefined>;
  /** Whether the record stands in the repository. Left out: only signatures are verified. */
  proveRecord?: ((entry: Entry) => Promise<Finding>) | undefined;
  /** Whether the DNS says of the address what the snapshot says. */
  proveAddress?: ((entry: AddressEntry) => Promise<Finding>) | undefined;
  /** Labelers that are believed; all that sign when left out. */
  labelers?: ReadonlySet<string> | undefined;
  /** Ms since the epoch. */
  now: number;
  onProgress?: (done: number) => void;
};

export type Fault = { of: string; why: string };

export type Verification = {
  head: SnapshotHead;
  tail: SnapshotTail;
  isWhole: boolean;
  isSigned: boolean;
  entries: number;
  addresses: number;
  /** Entries all of whose proofs hold. */
  good: number;
  /** Entries that no proof speaks against, and some could not be asked for. */
  unknown: Fault[];
  bad: Fault[];
  /** Labels that were in force when the snapshot was made, and have expired since. */
  expired: number;
  /** DIDs of the labelers that signed, with how many labels each. */
  labelers: Record<string, number>;
};

const PARALLEL = 16;
/** A labeler's clock may be ahead of the list's. */
const SKEW_MS = 5 * 60_000;

/**
 * Verifies a snapshot by what anybody can ask: its own signature, the signature of each label by the labeler's DID
 * document, each record by the account's repository, each address by the DNS.
 * @throws {SnapshotError} where it is no whole snapshot.
 */
export async function verifySnapshot(
  lines: AsyncIterable<string>,
  parts: VerifyParts,
): Promise<Verification> {
  const keys = new Map<string, Promise<string | undefined>>();
  const keyOf = (src: string) => {
    let key = keys.get(src);
    if (!key) keys.set(src, (key = parts.keyOf(src)));
    return key;
  };
  const found: Omit<Verification, "head" | "tail" | "isWhole" | "isSigned"> = {
    entries: 0,
    addresses: 0,
    good: 0,
    unknown: [],
    bad: [],
    expired: 0,
    labelers: {},
  };
  const running = new Set<Promise<void>>();
  let head: SnapshotHead | undefined;
  let end: (SnapshotPart & { kind: "tail" }) | undefined;
  let last = "";

  function settle(of: string, findings: Finding[]): void {
    const bad = findings.find(({ status }) => status === "bad");
    const unknown = findings.find(({ status }) => status === "unknown");
    if (bad?.status === "bad") found.bad.push({ of, why: bad.why });
    else if (unknown?.status === "unknown") found.unknown.push({ of, why: unknown.why });
    else found.good++;
    parts.onProgress?.(found.good + found.bad.length + found.unknown.length);
  }

  async function start(work: Promise<void>): Promise<void> {
    const tracked = work.finally(() => running.delete(tracked));
    running.add(tracked);
    if (running.size >= PARALLEL) await Promise.race(running);
  }

  async function verifyEntry(entry: Entry, issuedAt: number, order: Finding): Promise<void> {
    const shape = shapeOf(entry);
    const findings = [order, shape];
    if (shape.status === "good") {
      for (const label of entry.labels) {
        findings.push(await verifyOne(label, issuedAt, keyOf, parts.labelers));
        found.labelers[label.src] = (found.labelers[label.src] ?? 0) + 1;
        if (label.exp !== undefined && Date.parse(label.exp) <= parts.now) found.expired++;
      }
      if (parts.proveRecord) findings.push(await parts.proveRecord(entry));
    }
    settle(entry.domain, findings);
  }

  for await (const part of readSnapshot(lines)) {
    if (part.kind === "head") head = part.head;
    else if (part.kind === "tail") end = part;
    else if (part.kind === "entry") {
      found.entries++;
      const { domain } = part.entry;
      const order: Finding =
        typeof domain === "string" && domain > last ? GOOD : bad("it stands twice, or out of order");
      last = String(domain);
      await start(verifyEntry(part.entry, Date.parse(head!.issuedAt), order));
    } else {
      found.addresses++;
      const { entry } = part;
      const ask = async () => settle(String(entry.address), [(await parts.proveAddress?.(entry)) ?? GOOD]);
      await start(ask());
    }
  }
  await Promise.all(running);
  const { tail, isWhole, isSigned } = end!;
  return { head: head!, tail, isWhole, isSigned, ...found };
}

const GOOD: Finding = { status: "good" };
const bad = (why: string): Finding => ({ status: "bad", why });

/** Whether an entry is carried by labels at all, before any is verified. */
function shapeOf({ domain, did, uri, cid, code, labels }: Entry): Finding {
  if (!Array.isArray(labels) || labels.length > 10) return bad("it has no labels");
  if ([domain, did, uri, cid].some((text) => typeof text !== "string")) return bad("a field is missing");
  if (!uri.startsWith(`at://${did}/`) || !uri.endsWith(`/${domain}`))
    return bad(`${uri} is no record of ${domain} by ${did}`);
  if (new Set(labels.map(({ src }) => src)).size !== 1)
    return bad("its labels are of several labelers, or none");
  const proof = labels.find((label) => label.val === "verified-mail-operator" && label.uri === uri);
  if (proof?.cid !== cid) return bad("no label says that this version of the record is verified");
  const said = (val: string) => labels.some((label) => label.uri === did && label.val === val);
  if (!said("verified-member")) return bad("no label says that the account is a verified member");
  const expected = said("clean-sender") ? "127.0.6.2" : "127.0.6.1";
  return code === expected ? GOOD : bad(`its code is ${code}, its labels say ${expected}`);
}

async function verifyOne(
  json: LabelJson,
  issuedAt: number,
  keyOf: (src: string) => Promise<string | undefined>,
  labelers: ReadonlySet<string> | undefined,
): Promise<Finding> {
  const { src, val } = json;
  if (labelers && !labelers.has(src)) return bad(`"${val}" is of ${src}, whom you did not name`);
  if (json.neg === true) return bad(`"${val}" is a negation`);
  if (Date.parse(json.cts) > issuedAt + SKEW_MS) return bad(`"${val}" is younger than the snapshot`);
  if (json.exp !== undefined && Date.parse(json.exp) <= issuedAt - SKEW_MS)
    return bad(`"${val}" had expired when the snapshot was made`);
  const key = await keyOf(src).catch((error: unknown) => error as Error);
  if (key instanceof Error) return { status: "unknown", why: `the key of ${src}: ${key.message}` };
  if (key === undefined) return bad(`${src} has no label key`);
  const isSigned = await isSignedBy(json, key);
  return isSigned ? GOOD : bad(`the signature of "${val}" does not hold by the key of ${src}`);
}

async function isSignedBy(json: LabelJson, key: string): Promise<boolean> {
  try {
    return await verifyLabel(labelFromJson(json), key);
  } catch {
    return false;
  }
}
