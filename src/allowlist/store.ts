import type { Database, Migration } from "../platform/database.ts";
import { changesIn } from "./changes.ts";
import { ENTRY_SEPARATOR } from "./snapshot.ts";
import type { LabelJson } from "../protocol/labels/index.ts";
import type { Claim, ClaimLabel, Entry } from "./entries.ts";

/**
 * `said`: what each labeler said last of a subject and value. `claim`: attestations that stand. `wanted`: the list as
 * what is known now would have it; `listed`: the list as it is published; `pending`: domains in which the two differ.
 */
export const allowlistMigration: Migration = {
  module: "allowlist",
  steps: [
    `CREATE TABLE said (
       src TEXT NOT NULL, uri TEXT NOT NULL, val TEXT NOT NULL, did TEXT NOT NULL, cts TEXT NOT NULL,
       state TEXT NOT NULL CHECK (state IN ('said', 'negated', 'expired')),
       expires_at INTEGER, since TEXT NOT NULL, json TEXT NOT NULL,
       PRIMARY KEY (src, uri, val)
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX said_did ON said (did);
     CREATE INDEX said_expiry ON said (expires_at) WHERE state = 'said';
     CREATE TABLE labeler (src TEXT PRIMARY KEY, cursor INTEGER NOT NULL) STRICT;
     CREATE TABLE claim (
       uri TEXT PRIMARY KEY, cid TEXT NOT NULL, did TEXT NOT NULL, domain TEXT NOT NULL, checks TEXT NOT NULL,
       egress TEXT NOT NULL
     ) STRICT;
     CREATE INDEX claim_did ON claim (did);
     CREATE INDEX claim_domain ON claim (domain);
     CREATE INDEX claim_egress ON claim (uri) WHERE egress <> '[]';
     CREATE TABLE dirty (did TEXT PRIMARY KEY) STRICT;
     CREATE TABLE wanted (
       key TEXT PRIMARY KEY, did TEXT NOT NULL, code TEXT NOT NULL, text TEXT NOT NULL, json TEXT NOT NULL
     ) STRICT;
     CREATE INDEX wanted_did ON wanted (did);
     CREATE TABLE listed (
       key TEXT PRIMARY KEY, did TEXT NOT NULL, code TEXT NOT NULL, text TEXT NOT NULL, json TEXT NOT NULL
     ) STRICT;
     CREATE INDEX listed_did ON listed (did);
     CREATE TABLE pending (key TEXT PRIMARY KEY, since INTEGER NOT NULL, lapsed INTEGER NOT NULL) STRICT;
     CREATE TABLE history (
       id INTEGER PRIMARY KEY, key TEXT NOT NULL, did TEXT NOT NULL, serial INTEGER NOT NULL, at INTEGER NOT NULL,
       change TEXT NOT NULL CHECK (change IN ('added', 'changed', 'removed')), code TEXT NOT NULL, json TEXT
     ) STRICT;
     CREATE INDEX history_key ON history (key, id);
     CREATE INDEX history_did ON history (did, id);
     CREATE INDEX history_serial ON history (serial);
     CREATE INDEX history_at ON history (at);
     CREATE TABLE proof (
       address TEXT NOT NULL, domain TEXT NOT NULL, did TEXT NOT NULL, host TEXT, why TEXT,
       proved_at INTEGER, asked_at INTEGER NOT NULL, PRIMARY KEY (address, domain)
     ) STRICT, WITHOUT ROWID;
     CREATE TABLE publication (
       id INTEGER PRIMARY KEY CHECK (id = 1), serial INTEGER NOT NULL, issued_at INTEGER NOT NULL,
       zone_serial INTEGER NOT NULL, good_at INTEGER NOT NULL
     ) STRICT;
     INSERT INTO publication (id, serial, issued_at, zone_serial, good_at) VALUES (1, 0, 0, 0, 0);`,
    // `shows`: in the zones, as labels that were said again do not; `adds`: the entry is new; `waits`: a guard holds it.
    `ALTER TABLE pending ADD COLUMN shows INTEGER NOT NULL DEFAULT 1;
     ALTER TABLE pending ADD COLUMN adds INTEGER NOT NULL DEFAULT 0;
     ALTER TABLE pending ADD COLUMN waits INTEGER NOT NULL DEFAULT 0;
     ALTER TABLE publication ADD COLUMN grown REAL NOT NULL DEFAULT 0;
     ALTER TABLE publication ADD COLUMN grown_at INTEGER NOT NULL DEFAULT 0;
     ALTER TABLE publication ADD COLUMN released_at INTEGER NOT NULL DEFAULT 0;`,
  ],
};

/** `key`: a domain, or an address in brackets (`addressKey`). `text`: what the zone's TXT says. `json`: the entry in canonical form. */
export type Listing = { key: string; did: string; code: string; text: string; json: string };

export type HistoryLine = {
  key: string;
  did: string;
  serial: number;
  at: number;
  change: "added" | "changed" | "removed";
  code: string;
  /** The entry as it stood since; null once it was removed. */
  json: string | null;
};

/** An address as a key: in brackets, as in mail (RFC 5321 section 4.1.3), so that it is never taken for a domain. */
export const addressKey = (address: string): string => `[${address}]`;
export const isAddressKey = (key: string): boolean => key.startsWith("[");

/** `host`: the name that leads back to the address; `why`: what was missing when it was last asked. Times in ms. */
export type AddressProof = {
  host: string | null;
  why: string | null;
  provedAt: number | null;
  askedAt: number;
};

/** An attestation with the addresses from which the domain's own hosts send. */
export type ClaimWithEgress = Claim & { egress: string[] };

type LabelRow = { state: "said" | "negated" | "expired"; cts: string; since: string };
type ClaimRow = { uri: string; cid: string; did: string; domain: string; checks: string; egress: string };

const inOrder = ({ uri, cid, domain, checks, egress }: ClaimWithEgress) => [uri, cid, domain, checks, egress];

const claimOf = (row: ClaimRow): ClaimWithEgress => ({
  ...row,
  checks: JSON.parse(row.checks) as Record<string, string>,
  egress: JSON.parse(row.egress) as string[],
});

export type AllowlistStore = ReturnType<typeof createStore>;

export function createStore(db: Database) {
  const listing = (table: "wanted" | "listed", key: string) =>
    db.get<Listing>(`SELECT key, did, code, text, json FROM ${table} WHERE key = ?`, key);
  const markDirty = (did: string) => db.run("INSERT OR IGNORE INTO dirty (did) VALUES (?)", did);

  function differ(key: string, now: number, lapsed: boolean): void {
    const [wanted, listed] = [listing("wanted", key), listing("listed", key)];
    const shows =
      wanted?.code !== listed?.code || wanted?.text !== listed?.text || wanted?.did !== listed?.did;
    if (!shows && wanted?.json === listed?.json) db.run("DELETE FROM pending WHERE key = ?", key);
    else
      db.run(
        `INSERT INTO pending (key, since, lapsed, shows, adds) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT (key) DO UPDATE SET lapsed = excluded.lapsed, shows = excluded.shows, adds = excluded.adds,
           since = CASE WHEN lapsed = excluded.lapsed THEN since ELSE excluded.since END`,
        key,
        now,
        lapsed ? 1 : 0,
        shows ? 1 : 0,
        listed ? 0 : 1,
      );
  }

  return {
    ...changesIn(db),
    transaction: <T>(work: () => T): T => db.transaction(work),

    /** The last message of a labeler's stream that was taken over; undefined for one that was never followed. */
    cursor: (src: string): number | undefined =>
      db.get<{ cursor: number }>("SELECT cursor FROM labeler WHERE src = ?", src)?.cursor,
    putCursor: (src: string, cursor: number) =>
      void db.run("INSERT OR REPLACE INTO labeler (src, cursor) VALUES (?, ?)", src, cursor),
    forgetCursor: (src: string) => void db.run("DELETE FROM labeler WHERE src = ?", src),
    /** What a labeler says is not believed until it is heard again. Returns how much that was. */
    silence(src: string): number {
      db.run("INSERT OR IGNORE INTO dirty (did) SELECT did FROM said WHERE src = ? AND state = 'said'", src);
      return db.run("UPDATE said SET state = 'expired' WHERE src = ? AND state = 'said'", src).changes;
    },
    /** Labelers that are followed, or were. */
    labelers: (): string[] =>
      db
        .all<{ src: string }>("SELECT src FROM labeler UNION SELECT DISTINCT src FROM said")
        .map(({ src }) => src),
    /** Forgets all that a labeler said: it is trusted no more. */
    forgetLabeler(src: string): void {
      db.run("INSERT OR IGNORE INTO dirty (did) SELECT did FROM said WHERE src = ?", src);
      // What it said is taken back by whoever ended the trust, so it does not count as lapsed.
      db.run("UPDATE said SET state = 'negated' WHERE src = ?", src);
      db.run("DELETE FROM labeler WHERE src = ?", src);
    },

    /** Takes over a label, unless a later one of the same subject and value is known. `expiresAt` in ms. */
    putLabel(label: LabelJson, did: string, expiresAt: number | null): void {
      const { src, uri, val, cts } = label;
      const known = db.get<LabelRow>(
        "SELECT state, cts, since FROM said WHERE src = ? AND uri = ? AND val = ?",
        src,
        uri,
        val,
      );
      if (known && Date.parse(known.cts) > Date.parse(cts)) return;
      db.run(
        `INSERT OR REPLACE INTO said (src, uri, val, did, cts, state, expires_at, since, json)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        src,
        uri,
        val,
        did,
        cts,
        label.neg ? "negated" : "said",
        expiresAt,
        known?.state === "said" && !label.neg ? known.since : cts,
        JSON.stringify(label),
      );
      markDirty(did);
    },
    /** Labels whose time is over; their accounts are looked at again. */
    expire(now: number): void {
      const where = "state = 'said' AND expires_at <= ?";
      db.run(`INSERT OR IGNORE INTO dirty (did) SELECT did FROM said WHERE ${where}`, now);
      db.run(`UPDATE said SET state = 'expired' WHERE ${where}`, now);
    },
    labelsOf: (did: string): ClaimLabel[] =>
      db
        .all<{ json: string; since: string }>(
          "SELECT json, since FROM said WHERE did = ? AND state = 'said' ORDER BY src, uri, val",
          did,
        )
        .map(({ json, since }) => ({ label: JSON.parse(json) as LabelJson, since })),
    /** Whether a labeler took back one of the labels that carried an entry. */
    tookBack: ({ labels }: Pick<Entry, "labels">): boolean =>
      labels.some(
        ({ src, uri, val }) =>
          db.get<LabelRow>(
            "SELECT state FROM said WHERE src = ? AND uri = ? AND val = ? AND state = 'negated'",
            src,
            uri,
            val,
          ) !== undefined,
      ),

    /** The attestations of an account that stand, in place of those that did. */
    putClaims(did: string, claims: readonly ClaimWithEgress[]): void {
      const before = db.all<ClaimRow>("SELECT * FROM claim WHERE did = ? ORDER BY domain, uri", did);
      const sorted = claims.toSorted((a, b) => (a.domain + a.uri < b.domain + b.uri ? -1 : 1));
      if (JSON.stringify(before.map(claimOf).map(inOrder)) === JSON.stringify(sorted.map(inOrder))) return;
      db.run("DELETE FROM claim WHERE did = ?", did);
      for (const { uri, cid, domain, checks, egress } of claims)
        db.run(
          "INSERT OR REPLACE INTO claim (uri, cid, did, domain, checks, egress) VALUES (?, ?, ?, ?, ?, ?)",
          uri,
          cid,
          did,
          domain,
          JSON.stringify(checks),
          JSON.stringify(egress),
        );
      markDirty(did);
    },
    claimsOf: (did: string): ClaimWithEgress[] =>
      db.all<ClaimRow>("SELECT * FROM claim WHERE did = ? ORDER BY domain, uri", did).map(claimOf),
    claimsOn: (domain: string): ClaimWithEgress[] =>
      db.all<ClaimRow>("SELECT * FROM claim WHERE domain = ? ORDER BY uri", domain).map(claimOf),
    claimStands: (uri: string, cid: string): boolean =>
      db.get("SELECT 1 FROM claim WHERE uri = ? AND cid = ?", uri, cid) !== undefined,
    claimants: (): string[] =>
      db.all<{ did: string }>("SELECT DISTINCT did FROM claim").map(({ did }) => did),
    /** Listed domains that name addresses of their own, with them. */
    wantedEgress: (): { did: string; domain: string; egress: string[] }[] =>
      db
        .all<ClaimRow>(
          "SELECT claim.* FROM claim JOIN wanted ON wanted.key = claim.domain AND wanted.did = claim.did WHERE egress <> '[]'",
        )
        .map((row) => {
          const { did, domain, egress } = claimOf(row);
          return { did, domain, egress };
        }),

    proof(address: string, domain: string): AddressProof | undefined {
      type ProofRow = { host: string | null; why: string | null; proved_at: number | null; asked_at: number };
      const row = db.get<ProofRow>("SELECT * FROM proof WHERE address = ? AND domain = ?", address, domain);
      return row && { host: row.host, why: row.why, provedAt: row.proved_at, askedAt: row.asked_at };
    },
    putProof(address: string, domain: string, did: string, proof: AddressProof): void {
      db.run(
        `INSERT OR REPLACE INTO proof (address, domain, did, host, why, proved_at, asked_at)
         VALUES (?, ?, ?, ?, ?, ?, ?)`,
        address,
        domain,
        did,
        proof.host,
        proof.why,
        proof.provedAt,
        proof.askedAt,
      );
    },
    forgetProofs: (askedBefore: number) => void db.run("DELETE FROM proof WHERE asked_at < ?", askedBefore),

    dirty: (limit: number): string[] =>
      db.all<{ did: string }>("SELECT did FROM dirty LIMIT ?", limit).map(({ did }) => did),
    clean: (did: string) => void db.run("DELETE FROM dirty WHERE did = ?", did),

    wanted: (key: string): Listing | undefined => listing("wanted", key),
    listed: (key: string): Listing | undefined => listing("listed", key),
    /** Addresses in it. */
    addresses: (table: "wanted" | "listed"): string[] =>
      db
        .all<{ key: string }>(`SELECT key FROM ${table} WHERE key >= '[' AND key < '\\'`)
        .map(({ key }) => key),
    wantedOf: (did: string): Listing[] =>
      db.all<Listing>("SELECT key, did, code, text, json FROM wanted WHERE did = ?", did),
    listedOf: (did: string): Listing[] =>
      db.all<Listing>("SELECT key, did, code, text, json FROM listed WHERE did = ? ORDER BY key", did),
    /** `lapsed`: it goes, and nobody took it back. */
    want(key: string, entry: Listing | undefined, now: number, lapsed: boolean): void {
      if (entry)
        db.run(
          "INSERT OR REPLACE INTO wanted (key, did, code, text, json) VALUES (?, ?, ?, ?, ?)",
          key,
          entry.did,
          entry.code,
          entry.text,
          entry.json,
        );
      else db.run("DELETE FROM wanted WHERE key = ?", key);
      differ(key, now, lapsed);
    },
    countListed: (): number => db.get<{ n: number }>("SELECT count(*) AS n FROM listed")!.n,
    /** Some of the list from `after` on, in order: what zones say. */
    linesAfter: (after: string, limit: number): Pick<Listing, "key" | "code" | "text">[] =>
      db.all("SELECT key, code, text FROM listed WHERE key > ? ORDER BY key LIMIT ?", after, limit),
    /**
     * Some domains of the list from `after` on, as a snapshot says them: in one text, in the order in which the inner query
     * gives them.
     */
    entriesAfter(after: string, limit: number): { last: string; text: string } | undefined {
      const { last, text } = db.get<{ last: string | null; text: string | null }>(
        `SELECT max(key) AS last, group_concat(json, ?) AS text
         FROM (SELECT key, json FROM listed WHERE key > ? AND (key < '[' OR key >= '\\') ORDER BY key LIMIT ?)`,
        ENTRY_SEPARATOR,
        after,
        limit,
      )!;
      return last === null ? undefined : { last, text: text! };
    },

    firstDomain: (): Listing | undefined =>
      db.get<Listing>(
        "SELECT key, did, code, text, json FROM listed WHERE key < '[' OR key >= '\\' ORDER BY key LIMIT 1",
      ),
    listedAddresses: (): Listing[] =>
      db.all<Listing>(
        "SELECT key, did, code, text, json FROM listed WHERE key >= '[' AND key < '\\' ORDER BY key",
      ),

    historyOf: (key: string, limit: number): HistoryLine[] =>
      db.all<HistoryLine>("SELECT * FROM history WHERE key = ? ORDER BY id DESC LIMIT ?", key, limit),
    historyOfDid: (did: string, limit: number): HistoryLine[] =>
      db.all<HistoryLine>("SELECT * FROM history WHERE did = ? ORDER BY id DESC LIMIT ?", did, limit),
    historySince: (serial: number, limit: number): HistoryLine[] =>
      db.all<HistoryLine>("SELECT * FROM history WHERE serial > ? ORDER BY id LIMIT ?", serial, limit),
    /** The oldest serial from which all changes are still known. */
    historyFrom: (): number =>
      db.get<{ serial: number | null }>("SELECT min(serial) AS serial FROM history")?.serial ?? 0,
    forgetHistory: (before: number) => void db.run("DELETE FROM history WHERE at < ?", before),
  };
}
