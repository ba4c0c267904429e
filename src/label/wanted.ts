/** The values that this labeler gives (`community.email.defs#labelValue`). */
export type LabelValue = "verified-mail-operator" | "relay-member" | "verified-member" | "clean-sender";

/**
 * All that the outside may learn of a member's standing. `ended` covers suspended, left, ejected and expired alike:
 * from outside they are one.
 */
export type PublicStanding = { did: string; member: boolean; cleanSender: boolean; ended: boolean };

/** The topic on which standings reach the labeler, keyed by DID. */
export const PUBLIC_STANDING_TOPIC = "standing.public";

/** What the labeler must know of one attestation that has not ended. */
export type AttestedDomain = {
  uri: string;
  cid: string;
  did: string;
  domain: string;
  summary: "verified" | "broken" | "unknown";
};

type WantedLabel = { uri: string; cid?: string; val: LabelValue };

/** `assert`: is true now. `keep`: neither said anew nor taken back; it stands until its `exp`. The rest must go. */
export type Wanted = { assert: WantedLabel[]; keep: WantedLabel[] };

/**
 * Which labels an account and its records should carry. Positive statements only; broken DNS, the end of a record
 * and the end of a membership all look the same from outside.
 */
export function wantedLabels(facts: {
  did: string;
  publicStanding: PublicStanding | undefined;
  attestations: readonly AttestedDomain[];
}): Wanted {
  const { did, publicStanding, attestations } = facts;
  const wanted: Wanted = { assert: [], keep: [] };
  if (publicStanding?.ended) return wanted;

  const own = attestations.filter((a) => a.did === did);
  for (const { uri, cid, summary } of own) {
    if (summary === "verified") wanted.assert.push({ uri, cid, val: "verified-mail-operator" });
    if (summary === "unknown") wanted.keep.push({ uri, cid, val: "verified-mail-operator" });
  }
  const operator: WantedLabel = { uri: did, val: "verified-mail-operator" };
  if (own.some((a) => a.summary === "verified")) wanted.assert.push(operator);
  else if (own.some((a) => a.summary === "unknown")) wanted.keep.push(operator);

  if (publicStanding?.member) {
    wanted.assert.push({ uri: did, val: "relay-member" }, { uri: did, val: "verified-member" });
    const clean: WantedLabel = { uri: did, val: "clean-sender" };
    // It lapses; taking it back would tell that something happened.
    (publicStanding.cleanSender ? wanted.assert : wanted.keep).push(clean);
  }
  return wanted;
}

/** A label that was said last for its subject and value, and is no negation. Times in ms. */
export type ActiveLabel = { uri: string; cid: string | null; val: string; expiresAt: number | null };

export type LabelPlan = { assert: WantedLabel[]; negate: ActiveLabel[] };

/**
 * From what stands to what should: new ones, changed versions and those in the second half of their life are said
 * (again); those no longer wanted are negated, unless they have expired by themselves.
 */
export function planLabels(
  active: readonly ActiveLabel[],
  wanted: Wanted,
  now: number,
  ttlMs: number,
): LabelPlan {
  const standing = new Map(active.filter((a) => (a.expiresAt ?? Infinity) > now).map((a) => [keyOf(a), a]));
  const allowed = new Set([...wanted.assert, ...wanted.keep].map(keyOf));
  return {
    assert: wanted.assert.filter((w) => {
      const current = standing.get(keyOf(w));
      if (!current || current.cid !== (w.cid ?? null)) return true;
      return current.expiresAt === null || current.expiresAt - now <= ttlMs / 2;
    }),
    negate: [...standing.values()].filter((a) => !allowed.has(keyOf(a))),
  };
}

function keyOf(label: { uri: string; val: string }): string {
  return `${label.val} ${label.uri}`;
}
