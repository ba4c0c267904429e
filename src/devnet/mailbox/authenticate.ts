import { dkimVerify, dmarc, spf } from "mailauth";
import { mailauthResolver, type Resolver } from "../../protocol/dns/index.ts";

/** Results in the words of RFC 8601 (`pass`, `fail`, `none`, `temperror`, ...), with what the checker remarked. */
export type Verdicts = {
  dkim: { domain: string; selector: string; algorithm: string; result: string; comment: string }[];
  spf: { result: string; domain: string; comment: string };
  dmarc: { result: string; domain: string; policy: string; comment: string };
};

export type Received = {
  raw: Buffer;
  client: string;
  helo: string;
  mailFrom: string;
  /** Name of the receiving server. */
  server: string;
};

/** Checks DKIM (every signature), SPF and DMARC as a mailbox provider does; signature times against `now` (ms). */
export async function authenticate(message: Received, resolver: Resolver, now: number): Promise<Verdicts> {
  const ask = mailauthResolver(resolver);
  const [dkim, sender] = await Promise.all([
    dkimVerify(message.raw, { resolver: ask, curTime: new Date(now), minBitLength: 1024 }),
    spf({
      resolver: ask,
      ip: message.client,
      helo: message.helo,
      sender: message.mailFrom,
      mta: message.server,
      maxElapsedTime: 10_000,
    }),
  ]);
  const passed = dkim.results.flatMap(({ id, signingDomain, status }) =>
    status.result === "pass" && signingDomain ? [{ id, domain: signingDomain, aligned: status.aligned }] : [],
  );
  const policy = await dmarc({
    resolver: ask,
    headerFrom: dkim.headerFrom || [],
    fromFields: dkim.fromFields,
    spfDomains: sender.status.result === "pass" ? [sender.domain] : [],
    dkimDomains: passed,
  });
  return {
    dkim: dkim.results
      .filter((one) => one.signingDomain)
      .map((one) => ({
        domain: one.signingDomain ?? "",
        selector: one.selector ?? "",
        algorithm: one.algo ?? "",
        result: one.status.result,
        comment: one.status.comment ?? "",
      })),
    spf: {
      result: sender.status.result,
      domain: sender.domain,
      comment: sender.status.comment ?? "",
    },
    dmarc: policy
      ? {
          result: policy.status.result,
          domain: policy.domain,
          policy: policy.policy ?? "",
          comment: policy.status.comment ?? "",
        }
      : { result: "none", domain: "", policy: "", comment: "no single author domain" },
  };
}
