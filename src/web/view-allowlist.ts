import type { Context } from "hono";
import type { PastedHeader, Snippet } from "../allowlist/index.ts";
import type { AbuseKind, AbuseStatus } from "../inbox/index.ts";

/** The list as a whole. */
export type AllowlistView = {
  zone: string;
  /** Null before the first was published. */
  published: { serial: number; at: number; id: string; key: string; bytes: number } | null;
  domains: number;
  addresses: number;
  example: { domain: string; answer: string } | null;
  /** `@host -p port` arguments where the zone is not in the public DNS. */
  digServer: string | null;
  /** Origin of this site. */
  url: string;
  settings: { name: string; title: string; asks: string }[];
};

export type ListedView = {
  /** A domain or an address. */
  name: string;
  code: string;
  did: string;
  /** Of a domain; null of an address. */
  proof: {
    uri: string;
    cid: string;
    since: number;
    labels: string[];
    checks: [name: string, status: string][];
  } | null;
  /** The name of an address, which leads back to it; null of a domain. */
  host: string | null;
};

/** What is known of a domain, an account or an address. */
export type ListingView = {
  /** As it was typed. */
  asked: string;
  /** What it is, in its usual form; null when it is none of these. */
  subject: { kind: "domain" | "account" | "address"; name: string } | null;
  zone: string;
  listed: ListedView[];
  /** Why it can never be listed, in words. */
  never: string | null;
  /** Newest first. */
  changes: {
    at: number;
    name: string;
    change: "added" | "changed" | "removed";
    code: string;
    serial: number;
  }[];
};

/** What a pasted header says, beside what the list says. */
export type PastedView = {
  header: PastedHeader | null;
  /** Of the signers' domains, by name. */
  listed: Record<string, ListedView>;
  /** The mail of ours whose genuine mark the header carries; `at`: when it was handed in. */
  sent: { did: string; domain: string; at: number } | null;
  /** A member or the pool signed it, now or once: the committee takes reports of it. */
  isOurs: boolean;
  /** For a report of it; null where none can be made here. */
  reference: string | null;
};

export type AbuseForm = {
  reference: string;
  kind: AbuseKind;
  words: string;
  answerTo: string;
  header: string;
};

/** `not-ours`: no member signed it, and no mark of ours is in it. */
export type AbuseTakenView = "taken" | "known" | "too-many" | "full" | "not-ours" | "no-header";

/** What the pages of the allowlist ask for. */
export type AllowlistPages = {
  list(): AllowlistView;
  find(asked: string): ListingView;
  settings(name: string): Snippet | undefined;
  paste(text: string): Promise<PastedView>;
  /** Where people read what is written about abuse. */
  abuseAddress: string;
  /** Reports of abuse. Absent where no relay runs, and so nobody reads them. */
  abuse?: {
    take(c: Context, form: AbuseForm): Promise<AbuseTakenView>;
    status(reference: string): AbuseStatus | undefined;
  };
};
