/**
 * Who looks. `committee`: everything; `by`: the person, for the record. `member`: opened by a link, acts as that member's
 * owner. `person`: logged in with the account of this DID, acts for the members whose people name it.
 */
export type Identity =
  | { role: "committee"; by?: string }
  | { role: "member"; did: string }
  | { role: "person"; did: string };

/** `viewer` reads; `manager` does all but people, leaving and deletion; `owner` does all. */
export const PERSON_ROLES = ["owner", "manager", "viewer"] as const;
export type PersonRole = (typeof PERSON_ROLES)[number];

/** As whom somebody is at a member's pages; null: not at all. A member's own account is its owner. */
export function roleOf(
  identity: Identity | null,
  member: string,
  personRole: (member: string, person: string) => PersonRole | null,
): "committee" | PersonRole | null {
  if (identity === null) return null;
  if (identity.role === "committee") return "committee";
  if (identity.did === member) return "owner";
  return identity.role === "person" ? personRole(member, identity.did) : null;
}
