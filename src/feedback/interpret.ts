import type { ReportMail } from "../protocol/report-mail/index.ts";
import type { SmtpFacts } from "../event/index.ts";
import { withoutAddresses } from "../protocol/smtp-reply/index.ts";
import type { Shaping } from "../shaping/index.ts";

/** What a report means for the recipient that its token names. */
export type Meaning =
  | { kind: "bounced"; smtp: SmtpFacts }
  | { kind: "complained"; provider: string }
  /** A delay, a success, a vacation notice, a withdrawn complaint: nothing changes. */
  | { kind: "nothing"; why: string };

export type Judge = Pick<Shaping, "providerOf" | "judge">;

/** Reads one report about one recipient. Pure. `reporter` is the host that handed the report in. */
export function interpret(report: ReportMail, reporter: string, { providerOf, judge }: Judge): Meaning {
  if (report.kind === "complaint") {
    if (report.feedbackType === "not-spam") return { kind: "nothing", why: "not-spam" };
    return { kind: "complained", provider: providerOf(report.reporter || reporter) };
  }
  if (report.kind !== "dsn") return { kind: "nothing", why: report.kind };
  const failed = report.statuses.find((status) => status.action === "failed");
  if (!failed) return { kind: "nothing", why: report.statuses[0]?.action ?? "no recipient" };
  const code = failed.code || (failed.status.startsWith("4") ? 450 : 550);
  const reply = { code, enhanced: failed.status, text: failed.diagnostic };
  const provider = providerOf(failed.remoteMta || reporter);
  const { class: bounceClass, fault, rule } = judge(provider, { ...reply, phase: "rcpt" });
  return {
    kind: "bounced",
    smtp: {
      code,
      enhanced: failed.status,
      text: withoutAddresses(failed.diagnostic).slice(0, 300),
      provider,
      class: bounceClass,
      fault,
      ...(rule !== undefined && { rule }),
    },
  };
}
