import type { DnsAnswer, Resolver } from "../protocol/dns/index.ts";
import type { DnsRecordToPublish } from "./records.ts";

/** What stands at the name of a record that is to be published. */
export type Published =
  | { state: "right" }
  /** No record of any type stands at the name. */
  | { state: "no-name" }
  /** The name is there, a record of this kind is not. */
  | { state: "no-record" }
  | { state: "wrong"; present: string[]; ttl: number }
  /** More than one where one is the most: the same as none. */
  | { state: "several"; present: string[] }
  /** The domain's own servers have it; others still keep what was there before, for `ttl` seconds at most where that is known. */
  | { state: "spreading"; ttl: number | null }
  /** Nobody answered. */
  | { state: "no-answer"; why: string };

export type Diagnosis = {
  record: DnsRecordToPublish;
  /** What to publish: the record itself, or the present one with what is missing in it. */
  value: string;
  published: Published;
};

type Kind = "spf" | "dmarc" | "key" | "proof" | "cname";
type Seen =
  | { status: "ok"; values: string[]; ttl: number }
  | { status: "nxdomain" }
  | { status: "nodata" }
  | { status: "temperror"; why: string };

/** Asks the servers of a zone itself; null where they cannot be asked. */
export type AskAuthority = (
  name: string,
  type: "TXT" | "CNAME",
) => Promise<DnsAnswer<"TXT" | "CNAME"> | null>;

/** Looks at each record that is to be published. Never rejects. */
export async function lookForRecords(
  records: readonly DnsRecordToPublish[],
  resolver: Resolver,
  askAuthority: AskAuthority = async () => null,
): Promise<Diagnosis[]> {
  return Promise.all(
    records.map(async (record) => {
      const found = diagnose(record, seenIn(await resolver.resolve(record.name, record.type)));
      const { state } = found.published;
      if (state === "right" || state === "no-answer") return found;
      const own = await askAuthority(record.name, record.type);
      if (own === null || diagnose(record, seenIn(own)).published.state !== "right") return found;
      const ttl = found.published.state === "wrong" ? found.published.ttl : null;
      return { ...found, published: { state: "spreading", ttl } };
    }),
  );
}

/** What an answer says of a record, and what is to be published in view of it. */
export function diagnose(record: DnsRecordToPublish, seen: Seen): Diagnosis {
  const kind = kindOf(record);
  const as = (published: Published, value = record.value): Diagnosis => ({ record, value, published });
  if (seen.status === "temperror") return as({ state: "no-answer", why: seen.why });
  if (seen.status === "nxdomain") return as({ state: "no-name" });
  if (seen.status === "nodata") return as({ state: "no-record" });
  const { ttl } = seen;
  const same = seen.values.filter((value) => isOfKind(kind, value));
  if (same.length === 0) return as({ state: "no-record" });
  if (same.length > 1 && kind !== "proof" && !same.every((value) => isRight(record, kind, value)))
    return as({ state: "several", present: same });
  if ((kind === "spf" || kind === "dmarc") && same.length > 1) return as({ state: "several", present: same });
  if (same.some((value) => isRight(record, kind, value))) return as({ state: "right" });
  const [present = ""] = same;
  const value = kind === "spf" ? withInclude(present, includeOf(record.value)) : record.value;
  return as({ state: "wrong", present: same, ttl }, value);
}

function seenIn(answer: DnsAnswer<"TXT" | "CNAME">): Seen {
  if (answer.status === "temperror") return { status: "temperror", why: answer.detail };
  if (answer.status !== "ok") return { status: answer.status };
  const values = answer.records.map((record) => ("text" in record ? record.text : record.target));
  return { status: "ok", values, ttl: Math.min(...answer.records.map(({ ttl }) => ttl)) };
}

function kindOf({ type, value }: DnsRecordToPublish): Kind {
  if (type === "CNAME") return "cname";
  if (/^v=spf1\b/i.test(value)) return "spf";
  if (/^v=DMARC1\b/i.test(value)) return "dmarc";
  return value.startsWith("did=") ? "proof" : "key";
}

/** Records of other kinds may stand at the same name (TXT of all sorts at a domain's apex). */
function isOfKind(kind: Kind, value: string): boolean {
  if (kind === "spf") return /^v=spf1( |$)/i.test(value.trim());
  if (kind === "dmarc") return /^v=DMARC1\s*(;|$)/i.test(value.trim());
  if (kind === "proof") return value.trim().startsWith("did=");
  return true;
}

function isRight({ value }: DnsRecordToPublish, kind: Kind, present: string): boolean {
  switch (kind) {
    case "spf":
      return present.toLowerCase().split(/\s+/).includes(includeOf(value));
    case "dmarc":
      return /;\s*p\s*=\s*(none|quarantine|reject)\s*(;|$)/i.test(present);
    case "cname":
      return present.toLowerCase().replace(/\.$/, "") === value.toLowerCase().replace(/\.$/, "");
    case "key":
      return present.replaceAll(/[\s;]+$|\s/g, "") === value.replaceAll(/[\s;]+$|\s/g, "");
    case "proof":
      return present.trim() === value;
  }
}

function includeOf(spf: string): string {
  return (
    spf
      .toLowerCase()
      .split(/\s+/)
      .find((term) => term.startsWith("include:")) ?? ""
  );
}

/** The present SPF record with the pool in it, before what says of everybody else (RFC 7208, 4.6.2: read from left to right). */
function withInclude(present: string, include: string): string {
  const terms = present.trim().split(/\s+/);
  const end = terms.findIndex((term) => /^[+?~-]?all$/i.test(term) || /^redirect=/i.test(term));
  return terms.toSpliced(end === -1 ? terms.length : end, 0, include).join(" ");
}
