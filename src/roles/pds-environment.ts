/** Where a member submits: host name of the certificate, and the implicit-TLS port. */
export type SubmissionPoint = { host: string; port: number };

/**
 * The block for a PDS's environment file. User names and secrets are URL-safe by construction, so nothing needs to be
 * encoded; `smtps` means implicit TLS, which is why the port is the implicit-TLS one.
 */
export function pdsEnvironment(
  { host, port }: SubmissionPoint,
  { username, secret }: { username: string; secret: string },
  domain: string,
): Record<string, string> {
  const url = `smtps://${username}:${secret}@${host}:${port}`;
  return { PDS_EMAIL_SMTP_URL: url, PDS_EMAIL_FROM_ADDRESS: `noreply@${domain}` };
}
