import { domainToASCII } from "node:url";

/** Where members submit: host name of the certificate, and the ports of either way to speak TLS. */
export type SubmissionPoint = { host: string; tls: number[]; starttls: number[] };

export type EnvironmentOptions = {
  /** STARTTLS instead of TLS from the first octet. */
  starttls?: boolean;
  /** One of those that are listened on; the first by default. */
  port?: number;
  /** Local part of the sender, `noreply` by default, and of the moderation's, `moderation`. */
  from?: string;
  moderationFrom?: string;
};

/** Names as `@atproto/pds` reads them (`config/env`); each pair is set whole or not at all. */
export type PdsEnvironment = {
  PDS_EMAIL_SMTP_URL: string;
  PDS_EMAIL_FROM_ADDRESS: string;
  PDS_MODERATION_EMAIL_SMTP_URL: string;
  PDS_MODERATION_EMAIL_ADDRESS: string;
};

/** What every reader of environment files takes as it stands: no quotes, blanks, `#`, `$`, `&`, `;`, `~` or back-slashes. */
const PLAIN = /^[A-Za-z0-9._:/@%?=+,-]*$/;
const LOCAL_PART = /^[A-Za-z0-9._+=-]{1,64}$/;

/**
 * The mail block of a PDS's environment file, encoded already. `smtps` means TLS from the first octet; with `smtp` the
 * PDS is made to insist on STARTTLS, since nodemailer would go on without it.
 * A string instead: why there is none.
 */
export function pdsEnvironment(
  point: SubmissionPoint,
  { username, secret }: { username: string; secret: string },
  domain: string,
  options: EnvironmentOptions = {},
): PdsEnvironment | string {
  const { starttls = false, from = "noreply", moderationFrom = "moderation" } = options;
  const ports = starttls ? point.starttls : point.tls;
  const port = options.port ?? ports[0];
  if (port === undefined || !ports.includes(port))
    return `Port ${port} is not one of ${starttls ? "STARTTLS" : "implicit TLS"}: ${ports.join(", ")}`;
  for (const local of [from, moderationFrom])
    if (!LOCAL_PART.test(local)) return `"${local}" cannot stand before the @ of the sender`;
  const user = `${encodeURIComponent(username)}:${encodeURIComponent(secret)}`;
  const scheme = starttls ? "smtp" : "smtps";
  const url = `${scheme}://${user}@${domainToASCII(point.host)}:${port}${starttls ? "?requireTLS=true" : ""}`;
  const sender = domainToASCII(domain);
  return {
    PDS_EMAIL_SMTP_URL: url,
    PDS_EMAIL_FROM_ADDRESS: `${from}@${sender}`,
    PDS_MODERATION_EMAIL_SMTP_URL: url,
    PDS_MODERATION_EMAIL_ADDRESS: `${moderationFrom}@${sender}`,
  };
}

/** `NAME=value` lines, the same to the shell, to docker's `env_file` and to dotenv. Throws when one would not be. */
export function envLines(environment: PdsEnvironment): string {
  return Object.entries(environment)
    .map(([name, value]) => {
      if (!PLAIN.test(value)) throw new Error(`${name} needs quotes, which readers treat differently`);
      return `${name}=${value}`;
    })
    .join("\n");
}
