const DMARC_POLICIES = ["none", "quarantine", "reject"] as const;
export type DmarcPolicy = (typeof DMARC_POLICIES)[number];

/** A DMARC policy record (RFC 9989 section 4.7), with the defaults filled in. */
export type DmarcRecord = {
  p: DmarcPolicy;
  /** Whether the record says `p` itself. Without one, a record that asks for reports counts as `none`. */
  explicit: boolean;
  /** For subdomains that exist; `p` where the record has none. */
  sp: DmarcPolicy;
  /** For subdomains that do not exist; `sp` where the record has none. */
  np: DmarcPolicy;
  adkim: "r" | "s";
  aspf: "r" | "s";
  /** `t=y`: the owner is testing, and asks for one step less than the policy says. */
  testing: boolean;
  /** Whether the domain is a public suffix: `u` for unknown, the default. */
  psd: "y" | "n" | "u";
  /** Where reports go, as written, without the size limit of older records. */
  rua: string[];
  ruf: string[];
  /** Tags that RFC 9989 removed and older receivers still read: `pct`, `rf`, `ri`. */
  removed: string[];
};

export type DmarcParse =
  | { status: "record"; record: DmarcRecord }
  | { status: "not-dmarc" }
  | { status: "syntax"; detail: string };

const MAX_RECORD = 4096;
const REMOVED = ["pct", "rf", "ri"];

/** Parses one TXT record. `not-dmarc` when it does not begin with `v=DMARC1`: such records are passed over. */
export function parseDmarc(text: string): DmarcParse {
  if (!/^v\s*=\s*DMARC1\s*(;|$)/.test(text.trim())) return { status: "not-dmarc" };
  if (text.length > MAX_RECORD) return { status: "syntax", detail: "the record is too long" };
  const tags = new Map<string, string>();
  for (const part of text.split(";")) {
    if (part.trim() === "") continue;
    const at = part.indexOf("=");
    if (at < 0) return { status: "syntax", detail: `"${part.trim().slice(0, 40)}" is not tag=value` };
    const name = part.slice(0, at).trim().toLowerCase();
    if (tags.has(name)) return { status: "syntax", detail: `tag ${name} appears twice` };
    tags.set(name, part.slice(at + 1).trim());
  }
  return read(tags);
}

/**
 * RFC 9989 section 4.10.1: without a valid `p`, or with an invalid `sp` or `np`, a record counts as `p=none` when it
 * names a place for reports, and not at all otherwise. Only a missing `p` is read so here: a value that is none is
 * an error of the owner, who wants to know.
 */
function read(tags: Map<string, string>): DmarcParse {
  const [rua, ruf] = [uris(tags.get("rua")), uris(tags.get("ruf"))];
  const wrong = ["p", "sp", "np"].find((tag) => tags.has(tag) && !policy(tags.get(tag)));
  if (wrong !== undefined)
    return { status: "syntax", detail: `${wrong}= must be none, quarantine or reject` };
  const explicit = policy(tags.get("p"));
  if (!explicit && !rua.some(isMailto))
    return { status: "syntax", detail: "p= must be none, quarantine or reject" };
  const [adkim, aspf] = [alignment(tags.get("adkim")), alignment(tags.get("aspf"))];
  if (!adkim || !aspf) return { status: "syntax", detail: "adkim= and aspf= must be r or s" };
  const p = explicit ?? "none";
  const sp = (explicit && policy(tags.get("sp"))) ?? p;
  const psd = tags.get("psd")?.toLowerCase();
  return {
    status: "record",
    record: {
      p,
      explicit: explicit !== undefined,
      sp,
      np: (explicit && policy(tags.get("np"))) ?? sp,
      adkim,
      aspf,
      testing: tags.get("t")?.toLowerCase() === "y",
      psd: psd === "y" || psd === "n" ? psd : "u",
      rua,
      ruf,
      removed: REMOVED.filter((tag) => tags.has(tag)),
    },
  };
}

/** The policy that receivers apply while the owner tests (RFC 9989 section 4.7, tag `t`). */
export function relaxed(wanted: DmarcPolicy): DmarcPolicy {
  return wanted === "reject" ? "quarantine" : "none";
}

/** The domain of a `mailto:` address for reports, lower case; undefined when it is none. */
export function mailtoDomain(uri: string): string | undefined {
  const address = /^mailto:[^@\s!,;]+@([a-z0-9._-]+)$/i.exec(uri)?.[1];
  return address?.toLowerCase().replace(/\.$/, "");
}

function isMailto(uri: string): boolean {
  return mailtoDomain(uri) !== undefined;
}

/** `!10m` after an address limited the size of a report in RFC 7489. */
function uris(value: string | undefined): string[] {
  const each = (value ?? "").split(",").map((uri) => uri.trim().replace(/!\d+[kmgt]?$/i, ""));
  return each.filter((uri) => uri !== "");
}

function policy(value: string | undefined): DmarcPolicy | undefined {
  return DMARC_POLICIES.find((p) => p === value?.toLowerCase());
}

function alignment(value: string | undefined): "r" | "s" | undefined {
  const mode = value?.toLowerCase() ?? "r";
  return mode === "r" || mode === "s" ? mode : undefined;
}
