/** Mailbox providers by the suffix of their MX. */
const SUFFIXES: readonly [string, readonly string[]][] = [
  ["gmail", ["google.com", "googlemail.com"]],
  ["microsoft", ["outlook.com", "hotmail.com", "mx.microsoft", "office365.us"]],
  ["yahoo", ["yahoodns.net", "yahoo.com", "aol.com"]],
  ["apple", ["icloud.com", "apple.com"]],
  ["proton", ["protonmail.ch", "proton.me"]],
  ["fastmail", ["messagingengine.com"]],
  ["zoho", ["zoho.com", "zoho.eu", "zoho.in"]],
  ["yandex", ["yandex.ru", "yandex.net"]],
  ["mailru", ["mail.ru"]],
  ["gmx", ["gmx.net", "gmx.com", "web.de", "kundenserver.de", "ionos.com", "ionos.de"]],
  ["tutanota", ["tutanota.de", "tutao.de"]],
  ["orange", ["orange.fr", "wanadoo.fr"]],
  ["comcast", ["comcast.net"]],
  ["mimecast", ["mimecast.com"]],
  ["proofpoint", ["pphosted.com", "ppe-hosted.com"]],
  ["barracuda", ["barracudanetworks.com"]],
  ["ovh", ["ovh.net", "ovh.ca"]],
  ["migadu", ["migadu.com"]],
];

/** The provider behind an MX host; `other` for those that the table does not know. */
export function providerOf(mxHost: string): string {
  const host = mxHost.toLowerCase().replace(/\.$/, "");
  const hit = SUFFIXES.find(([, suffixes]) => suffixes.some((s) => host === s || host.endsWith("." + s)));
  return hit?.[0] ?? "other";
}

export const PROVIDERS: readonly string[] = SUFFIXES.map(([provider]) => provider);

/** Domains of mailboxes whose provider everybody knows without asking DNS. */
const MAILBOX_DOMAINS: readonly [string, readonly string[]][] = [
  ["gmail", ["gmail.com", "googlemail.com"]],
  ["microsoft", ["outlook.com", "hotmail.com", "live.com", "msn.com", "hotmail.co.uk", "hotmail.fr"]],
  ["yahoo", ["yahoo.com", "ymail.com", "rocketmail.com", "aol.com", "yahoo.co.uk", "yahoo.fr", "yahoo.de"]],
  ["apple", ["icloud.com", "me.com", "mac.com"]],
  ["proton", ["proton.me", "protonmail.com", "pm.me"]],
  ["gmx", ["gmx.net", "gmx.de", "gmx.at", "gmx.ch", "web.de"]],
];

/** The provider of a recipient's domain, when it is one of the large ones for everybody; else undefined. */
export function providerOfMailbox(domain: string): string | undefined {
  return MAILBOX_DOMAINS.find(([, domains]) => domains.includes(domain.toLowerCase()))?.[0];
}
