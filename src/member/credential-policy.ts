import { DAY_MS } from "../lib/clock.ts";
import type { CredentialPolicy, MemberPolicy, Stream } from "../policy/index.ts";
import type { CredentialRow } from "./schema.ts";

/** So long after it was revoked relay nodes know a credential: longer than the five days that its mail can wait. */
const KNOWN_AFTER_REVOCATION_MS = 7 * DAY_MS;
/** Keys of longer gone ones that they know, to say "revoked" to whoever still uses one. */
const MOST_GONE = 100;

/** What relay nodes must know of a member's credentials. The registry keeps all of them. */
export function policiesOf(
  rows: readonly CredentialRow[],
  now: number,
): Pick<MemberPolicy, "credentials" | "gone"> {
  const isGone = ({ revoked_at: at }: CredentialRow) => at !== null && now - at > KNOWN_AFTER_REVOCATION_MS;
  const gone = rows
    .filter(isGone)
    .toSorted((a, b) => b.revoked_at! - a.revoked_at! || a.id.localeCompare(b.id))
    .flatMap((row) => row.secret_key ?? [])
    .slice(0, MOST_GONE);
  return {
    credentials: rows.filter((row) => !isGone(row)).map(policyOf),
    ...(gone.length > 0 && { gone }),
  };
}

function policyOf(row: CredentialRow): CredentialPolicy {
  return {
    id: row.id,
    username: row.username,
    hash: row.hash,
    ...(row.secret_key !== null && { key: row.secret_key }),
    domains: JSON.parse(row.domains) as string[],
    streams: JSON.parse(row.streams) as Stream[],
    hourly: row.hourly,
    daily: row.daily,
    revoked: row.revoked_at !== null,
    ...(row.revoked_at !== null && { revokedAt: row.revoked_at }),
    ...(row.stolen === 1 && { stolen: true }),
    // Its owner vouches for what it has in the spool.
    ...(row.vouched === 1 && row.revoked_at !== null && { resumedUpTo: row.revoked_at }),
  };
}
