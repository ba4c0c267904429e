import { Database } from "../../src/platform/database.ts";
import { spoolMigration } from "../../src/spool/schema.ts";

/** A member with nearly all of the mail, and others with the rest. */
export const MEMBER = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
export const FIRST = Date.UTC(2026, 0, 1);
/** Between two messages: 30 days of a million. */
export const STEP_MS = 2_592;

/** A spool as `count` deliveries of one recipient each leave it behind. */
export function fillSpool(path: string, count: number): void {
  const db = new Database(path, [spoolMigration]);
  const numbers = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})`;
  db.exec("BEGIN");
  db.exec(`${numbers} INSERT INTO message (seq, id, did, credential, kind, sender, from_domain, stream, received_at, size, open)
    SELECT i, 'm' || i, CASE WHEN i % 10 = 0 THEN 'did:plc:other' || (i % 7) ELSE '${MEMBER}' END, 'c' || (i % 3), 'mail',
      'noreply@ada.test', 'ada.test', CASE WHEN i % 20 = 0 THEN 'bulk' ELSE 'transactional' END,
      ${FIRST} + i * ${STEP_MS}, 4096, 0 FROM n`);
  db.exec(`${numbers} INSERT INTO recipient (seq, id, message, address, domain, state, attempts, next_at, updated_at, did, priority)
    SELECT i, 'r' || i, i, 'person' || (i % 50000) || '@' || d, d, CASE WHEN i % 500 = 0 THEN 'bounced' ELSE 'delivered' END, 1, 0,
      ${FIRST} + i * ${STEP_MS} + 900, '${MEMBER}', 1
    FROM (SELECT i, CASE i % 4 WHEN 0 THEN 'gmail.com' WHEN 1 THEN 'outlook.com' WHEN 2 THEN 'web.de' ELSE 'example.org' END AS d
      FROM n)`);
  db.exec(`${numbers} INSERT INTO attempt (seq, recipient, at, duration_ms, host, code, enhanced, text, class, tls, transcript, provider)
    SELECT i, i, ${FIRST} + i * ${STEP_MS} + 900, 400, 'mx.example [192.0.2.7]', 250, '2.0.0', 'OK ' || i, 'ok', 'TLSv1.3',
      'S: 220 mx.example ESMTP' || char(10) || 'C: EHLO out1.coop.test' || char(10) || 'S: 250 2.0.0 OK ' || i,
      CASE i % 4 WHEN 0 THEN 'google' WHEN 1 THEN 'microsoft' ELSE 'other' END FROM n`);
  db.exec("COMMIT");
  db.close();
}

/** The same deliveries as Postfix logs them, four lines each. */
export function* logLines(count: number): Generator<string> {
  for (let i = 1; i <= count; i++) {
    const at = new Date(FIRST + i * STEP_MS).toISOString();
    const domain = ["gmail.com", "outlook.com", "web.de", "example.org"][i % 4];
    const id = i.toString(36).toUpperCase();
    yield (
      `${at} mail postfix/smtpd[77]: ${id}: client=pds[192.0.2.4], sasl_method=PLAIN, sasl_username=c${i % 3}\n` +
        `${at} mail postfix/qmgr[78]: ${id}: from=<noreply@ada.test>, size=4096, nrcpt=1 (queue active)\n` +
        `${at} mail postfix/smtp[79]: ${id}: to=<person${i % 50_000}@${domain}>, relay=mx.example[192.0.2.7]:25, delay=0.9, delays=0.1/0/0.3/0.5, dsn=2.0.0, status=sent (250 2.0.0 OK ${i})\n` +
        `${at} mail postfix/qmgr[78]: ${id}: removed\n`
    );
  }
}
