import { reportMail } from "../protocol/tls-rpt/index.ts";
import type { RelayContext } from "./context.ts";
import { takePoolMail } from "./pool-mail.ts";
import { parseAddress } from "./submission/address.ts";
import { mailDate } from "./submission/header.ts";

/** A TLS report that is to be mailed (RFC 8460 section 5.3). */
export type ReportMailWish = {
  /** Of the message: the same report to the same address has the same. */
  message: string;
  reportId: string;
  to: string;
  /** Of the recipients that it is about. */
  domain: string;
  fileName: string;
  gzip: Uint8Array;
};

/** After everything that somebody waits for. */
const LAST = 2;

/**
 * The pool's own mail to whom a domain names for reports: it leaves in clear and past MTA-STS and DANE where it must, for a
 * day at most. Once for each id; false: that is no mail address.
 */
export function createReporter(context: RelayContext) {
  const { identity, spool, clock } = context;
  return async function report(wish: ReportMailWish): Promise<boolean> {
    const { message: id, reportId, domain, fileName, gzip } = wish;
    const to = parseAddress(wish.to);
    if (!to) return false;
    if (await spool.message(id)) return true;
    const { poolDomain } = identity;
    const { head, body } = reportMail({
      reportId,
      messageId: `${id}@${poolDomain}`,
      from: `Atmosphere Mail <postmaster@${poolDomain}>`,
      to: to.address,
      date: mailDate(clock.now()),
      domain,
      submitter: poolDomain,
      fileName,
      gzip,
    });
    await takePoolMail(context, {
      id,
      // Nobody's: no member sends it, and no policy is about it.
      did: `did:web:${poolDomain}`,
      kind: "report",
      ask: "tls-report",
      priority: LAST,
      to,
      head,
      body: new Uint8Array(body),
    });
    return true;
  };
}
