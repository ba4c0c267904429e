export const COMMITTEE_PATH = "/committee";
export const MEMBERS_PATH = "/committee/members";
export const EGRESS_PATH = "/committee/egress";
export const PROVIDERS_PATH = "/committee/providers";
export const INBOX_PATH = "/committee/inbox";
export const POOL_SUPPRESSIONS_PATH = "/committee/suppressions";
export const POOL_REPORTS_PATH = "/committee/reports";
export const CHECK_PATH = "/check";
export const RULES_PATH = "/rules";
export const ALLOWLIST_PATH = "/allowlist";
export const LOGIN_PATH = "/login";
export const LOGOUT_PATH = "/logout";
export const JOIN_PATH = "/join";
/** Who am I, and for whom do I act. */
export const ME_PATH = "/me";

/** The page of a member. A DID's colons stay readable. */
export function memberPath(did: string): string {
  return `/members/${encodeURIComponent(did).replaceAll("%3A", ":")}`;
}

/** The page that explains the labels of a DID, an AT URI or a domain. */
export function labelPath(subject: string): string {
  const parts = subject.replace(/^at:\/\//, "").split("/");
  return `/labels/${parts.map((part) => encodeURIComponent(part).replaceAll("%3A", ":")).join("/")}`;
}

export function inboxEntryPath(id: number): string {
  return `${INBOX_PATH}/${id}`;
}

/** What the allowlist says of a domain, an account or an address. */
export function allowlistEntryPath(of: string): string {
  return `${ALLOWLIST_PATH}/entry?${new URLSearchParams({ of })}`;
}

export const ABUSE_REPORT_PATH = `${ALLOWLIST_PATH}/report`;

/** What became of a report of abuse. */
export function abuseReportPath(reference: string): string {
  return `${ABUSE_REPORT_PATH}/${encodeURIComponent(reference)}`;
}

export function allowlistSettingsPath(name: string): string {
  return `${ALLOWLIST_PATH}/settings/${name}`;
}

/** The result of looking at a domain. */
export function checkPath(domain: string): string {
  return `${CHECK_PATH}?${new URLSearchParams({ domain })}`;
}

/** The place of a domain on its member's page. */
export function domainAnchor(name: string): string {
  return `domain-${name}`;
}

/** The place of a change of standing on its member's page. */
export function changeAnchor(id: string): string {
  return `change-${id.replaceAll(/[^\w-]/g, "-")}`;
}

/** Where the forms of a member's page go. */
export function pausePath(did: string, id: number): string {
  return `${memberPath(did)}/pauses/${id}`;
}

export function revokePath(did: string, id: string): string {
  return `${memberPath(did)}/credentials/${encodeURIComponent(id)}/revoke`;
}

export function suppressionsPath(did: string): string {
  return `${memberPath(did)}/suppressions`;
}

export function providersPath(did: string): string {
  return `${memberPath(did)}/providers`;
}

/** What others report of a domain. */
export function reportsPath(did: string, domain: string): string {
  return `${memberPath(did)}/reports/${encodeURIComponent(domain)}`;
}

export function bouncesPath(did: string): string {
  return `${memberPath(did)}/bounces`;
}

export function repliesPath(did: string): string {
  return `${memberPath(did)}/replies`;
}

export function applicationPath(did: string): string {
  return `${memberPath(did)}/application`;
}

/** Where somebody logs in, to go on at a path of ours. */
export function loginPath(next: string): string {
  return `${LOGIN_PATH}?${new URLSearchParams({ next })}`;
}

export function domainsPath(did: string): string {
  return `${memberPath(did)}/domains`;
}

/** The page on what ends with a domain, whose form ends it. */
export function domainRemovalPath(did: string, domain: string): string {
  return `${domainsPath(did)}/${encodeURIComponent(domain)}/remove`;
}

export function domainKeysPath(did: string, domain: string): string {
  return `${domainsPath(did)}/${encodeURIComponent(domain)}/keys`;
}

export function credentialsPath(did: string): string {
  return `${memberPath(did)}/credentials`;
}

export function webhooksPath(did: string): string {
  return `${memberPath(did)}/webhooks`;
}

/** Tokens with which the member's own programs call. */
export function tokensPath(did: string): string {
  return `${memberPath(did)}/tokens`;
}

export function settingsPath(did: string): string {
  return `${memberPath(did)}/settings`;
}

export function peoplePath(did: string): string {
  return `${memberPath(did)}/people`;
}

export function appealPath(did: string, change: string): string {
  return `${memberPath(did)}/changes/${encodeURIComponent(change)}/appeal`;
}

export function remedyPath(did: string): string {
  return `${memberPath(did)}/remedy`;
}

/** What a member sent, to be searched. */
export function messagesPath(did: string): string {
  return `${memberPath(did)}/messages`;
}

export function messagePath(did: string, id: string): string {
  return `${messagesPath(did)}/${encodeURIComponent(id)}`;
}

/** Where open pages of a member hear that there is news. */
export function livePath(did: string): string {
  return `${memberPath(did)}/live`;
}

/** What became of mail at each provider, and how long it took. */
export function deliveryPath(did: string): string {
  return `${memberPath(did)}/delivery`;
}

/** What happened to mail for one person. */
export function tracePath(did: string): string {
  return `${memberPath(did)}/trace`;
}

/** The very events that counted for a change of standing. */
export function changeEventsPath(did: string, change: string | number): string {
  return `${memberPath(did)}/changes/${encodeURIComponent(change)}/events`;
}

/** Where a member tries how its mail arrives. */
export function testPath(did: string): string {
  return `${memberPath(did)}/test`;
}
