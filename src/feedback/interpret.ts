import { classify } from "../protocol/smtp-reply/index.ts";
import type { ReportMail } from "../protocol/report-mail/index.ts";
import type { SmtpFacts } from "../event/index.ts";
import { providerOf, withoutAddresses } from "../protocol/smtp-reply/index.ts";

/** What a report means for the recipient that its token names. */
export type Meaning =
  | { kind: "bounced"; smtp: SmtpFacts }
  | { kind: "complained"; provider: string }
  /** A delay, a success, a vacation notice, a withdrawn complaint: nothing changes. */
  | { kind: "nothing"; why: string };

/** Reads one report about one recipient. Pure. `reporter` is the host that handed the report in. */
export function interpret(report: ReportMail, reporter: string): Meaning {
  if (report.kind === "complaint") {
    if (report.feedbackType === "not-spam") return { kind: "nothing", why: "not-spam" };
    return { kind: "complained", provider: providerOf(report.reporter || reporter) };
  }
  if (report.kind !== "dsn") return { kind: "nothing", why: report.kind };
  const failed = report.statuses.find((status) => status.action === "failed");
  if (!failed) return { kind: "nothing", why: report.statuses[0]?.action ?? "no recipient" };
  const code = failed.code || (failed.status.startsWith("4") ? 450 : 550);
  const reply = { code, enhanced: failed.status, text: failed.diagnostic };
  const { class: bounceClass, fault } = classify({ ...reply, phase: "rcpt" });
  return {
    kind: "bounced",
    smtp: {
      code,
      enhanced: failed.status,
      text: withoutAddresses(failed.diagnostic).slice(0, 300),
      provider: providerOf(failed.remoteMta || reporter),
      class: bounceClass,
      fault,
    },
  };
}
