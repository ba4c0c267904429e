import type { Authentication } from "../protocol/authentication/index.ts";

/** Providers that send complaints (ARF), and who sends them for several; domains with all below them. */
const REPORTERS = [
  "yahoo.com",
  "yahooinc.com",
  "hotmail.com",
  "outlook.com",
  "microsoft.com",
  "apple.com",
  "comcast.net",
  "cox.net",
  "fastmail.com",
  "validity.com",
  "returnpath.net",
  "senderscore.net",
  "cloudmark.com",
  "mail.ru",
  "corp.mail.ru",
  "yandex.ru",
  "seznam.cz",
  "gmx.net",
  "web.de",
  "1und1.de",
  "ionos.com",
  "t-online.de",
  "telekom.de",
  "orange.fr",
  "laposte.net",
  "signal-spam.fr",
  "libero.it",
  "italiaonline.it",
  "terra.com.br",
  "uol.com.br",
  "telenor.com",
  "telenor.se",
  "zoho.com",
  "rackspace.com",
  "spamcop.net",
  "synacor.com",
  "tucows.com",
  "usa.net",
  "liberty.edu",
];

/** DMARC passes, or a signature of such a provider does. */
export function isKnownReporter({ dmarc, dkim }: Authentication): boolean {
  const proven = [
    ...(dmarc.result === "pass" ? [dmarc.domain] : []),
    ...dkim.filter(({ result }) => result === "pass").map(({ domain }) => domain),
  ];
  return proven.some((name) => REPORTERS.some((known) => name === known || name.endsWith(`.${known}`)));
}
