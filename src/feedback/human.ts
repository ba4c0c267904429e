import { createHash } from "node:crypto";
import { base32 } from "../lib/ids.ts";
import { isAuthentic } from "../protocol/authentication/index.ts";
import { parseHeader, valueOf } from "../protocol/dkim/index.ts";
import type { Incoming } from "./types.ts";

/** What is to become of a mail that no program wrote as a report. */
export type HumanFate =
  | { to: "forward" }
  /** A program wrote it, or nobody could be answered: it is for whoever looks after the reading of reports. */
  | { to: "machine"; why: string }
  | { to: "spam"; why: string }
  | { to: "later" }
  | { to: "ignore"; why: string };

/** Local parts from which programs write. */
const PROGRAMS = /^(?:mailer-daemon|postmaster|mail-?daemon|no-?reply|do-?not-?reply|bounces?)(?:[+-]|$)/i;

/** Judges mail by how it was sent. Pure. */
export function fateOf({ mailFrom, raw, authentication }: Incoming): HumanFate {
  const fields = headerOf(raw);
  const automatic = fields.get("auto-submitted");
  if (automatic !== undefined && !/^no\b/i.test(automatic)) return { to: "ignore", why: "automatic" };
  if (/^(?:bulk|list|junk|auto_reply)$/i.test(fields.get("precedence") ?? "") || fields.has("list-id"))
    return { to: "ignore", why: "bulk" };
  if (mailFrom === "") return { to: "machine", why: "It has no sender, and is no report that could be read" };
  if (PROGRAMS.test(mailFrom.split("@", 1)[0]!))
    return { to: "machine", why: "A program sent it, and it is no report that could be read" };
  const authentic = isAuthentic(authentication);
  if (authentic === "unknown") return { to: "later" };
  return authentic === "yes"
    ? { to: "forward" }
    : { to: "spam", why: "Nothing shows that it is from its sender" };
}

/** The last value of each field of the header. */
function headerOf(raw: Uint8Array): Map<string, string> {
  const text = Buffer.from(raw.subarray(0, 262_144)).toString("latin1").replace(/\r?\n/g, "\r\n");
  return new Map(parseHeader(text).map((field) => [field.name, valueOf(field)]));
}

/** The same mail to the same address has the same id: 16 characters of base32. */
export function forwardId({ to, raw }: Pick<Incoming, "to" | "raw">): string {
  const hash = createHash("sha256").update(`forward\n${to.toLowerCase()}\n`).update(raw).digest();
  return base32(hash.subarray(0, 10));
}
