import { createHash, sign, type KeyObject } from "node:crypto";
import { relaxedBodyHash } from "./body.ts";
import { parseHeader, relaxField, type HeaderField } from "./header.ts";

export type DkimKey = {
  domain: string;
  selector: string;
  algorithm: "rsa" | "ed25519";
  /** Private key, parsed once and kept. */
  key: KeyObject;
};

export type SignInput = {
  /** Header block with CRLF line ends, with or without the empty line. */
  head: Uint8Array;
  /** The body, or its hash from `relaxedBodyHash` when it was hashed while it came in. */
  body: Uint8Array | { bodyHash: string };
  keys: readonly DkimKey[];
  /** Milliseconds since the epoch. */
  now: number;
};

/** A hold and five days of retries must fit in. */
const VALID_SECONDS = 14 * 86_400;

/** Signed once more than they occur, so that nobody adds another one (RFC 6376 section 5.4.2). */
const OVERSIGNED = ["from", "to", "subject", "date", "message-id", "feedback-id"];

/** Signed as often as they occur (RFC 6376 section 5.4.1). */
const SIGNED = [
  "sender",
  "reply-to",
  "cc",
  "resent-date",
  "resent-from",
  "resent-to",
  "resent-cc",
  "in-reply-to",
  "references",
  "mime-version",
  "content-type",
  "content-transfer-encoding",
  "content-id",
  "content-description",
  "list-id",
  "list-help",
  "list-unsubscribe",
  "list-unsubscribe-post",
  "list-subscribe",
  "list-post",
  "list-owner",
  "list-archive",
  "auto-submitted",
  "tls-report-domain",
  "tls-report-submitter",
  "x-atmos-message",
];

/**
 * DKIM-Signature fields (RFC 6376, RFC 8463) to put before the message, relaxed/relaxed, one for each key in the
 * order given; every line ends with CRLF. The private-key operations run in libuv's threads. Throws when a key
 * gives no signature: a message never leaves with fewer than it should have.
 */
export async function signMessage({ head, body, keys, now }: SignInput): Promise<string> {
  const fields = parseHeader(Buffer.from(head.buffer, head.byteOffset, head.length).toString("latin1"));
  const { names, canonical } = selectHeaders(fields);
  const bodyHash = body instanceof Uint8Array ? hashBody(body) : body.bodyHash;
  const seconds = Math.floor(now / 1000);
  const signatures = await Promise.all(
    keys.map(async (key) => {
      const unsigned = template(key, names, bodyHash, seconds);
      const data = Buffer.from(canonical + relaxField(unsigned), "latin1");
      return unsigned + fold((await signBytes(key, data)).toString("base64")) + "\r\n";
    }),
  );
  const made = signatures.filter((text) => /\bb=[A-Za-z0-9+/]{40}/.test(text)).length;
  if (made !== keys.length) throw new Error(`${keys.length} DKIM signatures wanted, ${made} made`);
  return signatures.join("");
}

function hashBody(body: Uint8Array): string {
  const hash = relaxedBodyHash();
  hash.update(body);
  return hash.digest();
}

/** Several fields of one name are taken from the bottom up (RFC 6376 section 5.4.2). */
function selectHeaders(fields: HeaderField[]): { names: string[]; canonical: string } {
  const names: string[] = [];
  let canonical = "";
  for (const name of [...OVERSIGNED, ...SIGNED]) {
    for (let i = fields.length - 1; i >= 0; i--) {
      const field = fields[i]!;
      if (field.name !== name) continue;
      names.push(name);
      canonical += relaxField(field.raw) + "\r\n";
    }
    if (OVERSIGNED.includes(name)) names.push(name);
  }
  return { names, canonical };
}

function template(key: DkimKey, names: string[], bodyHash: string, seconds: number): string {
  const lines = [""];
  for (const [i, name] of names.entries()) {
    const piece = name + (i < names.length - 1 ? ":" : ";");
    if (lines.at(-1)!.length + piece.length > 70) lines.push("");
    lines[lines.length - 1] += piece;
  }
  return (
    `DKIM-Signature: v=1; a=${key.algorithm}-sha256; c=relaxed/relaxed;\r\n` +
    ` d=${key.domain}; s=${key.selector};\r\n` +
    ` t=${seconds}; x=${seconds + VALID_SECONDS};\r\n` +
    ` h=${lines.join("\r\n  ")}\r\n` +
    ` bh=${bodyHash};\r\n` +
    ` b=`
  );
}

function fold(base64: string): string {
  return base64.replace(/.{70}(?=.)/g, "$&\r\n  ");
}

function signBytes({ algorithm, key }: DkimKey, data: Buffer): Promise<Buffer> {
  const ed25519 = algorithm === "ed25519";
  const input = ed25519 ? createHash("sha256").update(data).digest() : data;
  return new Promise((resolve, reject) => {
    sign(ed25519 ? null : "sha256", input, key, (error, signature) =>
      error ? reject(error) : resolve(signature),
    );
  });
}
