export const COMMITTEE_PATH = "/committee";
export const LOGIN_PATH = "/login";
export const LOGOUT_PATH = "/logout";

/** The page of a member. A DID's colons stay readable. */
export function memberPath(did: string): string {
  return `/members/${encodeURIComponent(did).replaceAll("%3A", ":")}`;
}

/** The place of a domain on its member's page. */
export function domainAnchor(name: string): string {
  return `domain-${name}`;
}

/** The place of a change of standing on its member's page. */
export function changeAnchor(id: string): string {
  return `change-${id.replaceAll(/[^\w-]/g, "-")}`;
}
