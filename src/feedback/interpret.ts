import type { SmtpFacts } from "../event/index.ts";
import type { InspectClass, InspectedRecipient, Inspection } from "../protocol/inspect/index.ts";
import { faultOf, withoutAddresses, type ReplyClass } from "../protocol/smtp-reply/index.ts";
import { OTHER, type Shaping } from "../shaping/index.ts";

/** What a report means for the recipient that its token names. */
export type Meaning =
  /** `about`: whom the report names; empty: nobody. */
  | { kind: "bounced"; smtp: SmtpFacts; about: string }
  | { kind: "complained"; provider: string }
  /** A delay, a success, a vacation notice, a withdrawn complaint: nothing changes. */
  | { kind: "nothing"; why: string };

export type Judge = Pick<Shaping, "providerOf" | "judge">;

/** The classes that only a bounce tells apart, as events have them. */
const NEAREST: Readonly<Partial<Record<InspectClass, ReplyClass>>> = {
  inactive: "bad-mailbox",
  spam: "content",
  configuration: "system",
};

/** Reads one report about one recipient. Pure. `reporter` is the host that handed the report in. */
export function interpret(found: Inspection, reporter: string, { providerOf, judge }: Judge): Meaning {
  if (found.complaint) {
    if (found.complaint.type === "not-spam") return { kind: "nothing", why: "not-spam" };
    const byHost = providerOf(reporter);
    return { kind: "complained", provider: byHost === OTHER ? providerOf(found.complaint.provider) : byHost };
  }
  if (found.kind !== "bounce") return { kind: "nothing", why: found.kind };
  const failed = found.recipients.find(({ action }) => action === "failed");
  if (!failed) return { kind: "nothing", why: found.recipients[0]?.action ?? "no recipient" };
  const smtp = factsOf(failed, reporter, { providerOf, judge });
  return { kind: "bounced", smtp, about: failed.address };
}

/** A rule of the provider knows best what its words mean; then what the whole bounce says; then the reply alone. */
function factsOf(failed: InspectedRecipient, reporter: string, { providerOf, judge }: Judge): SmtpFacts {
  const { status: enhanced, diagnostic } = failed;
  const said = Number(/\b[245]\d\d\b/.exec(diagnostic)?.[0] ?? 0);
  const code = said || (enhanced.startsWith("4") ? 450 : 550);
  const provider = providerOf(failed.remoteMta || reporter);
  const judged = judge(provider, { code, enhanced, text: diagnostic, phase: "rcpt" });
  const read = NEAREST[failed.class] ?? (failed.class as ReplyClass);
  const byBounce = judged.rule === undefined && read !== "unknown";
  return {
    code,
    enhanced,
    text: withoutAddresses(diagnostic).slice(0, 300),
    provider,
    class: byBounce ? read : judged.class,
    fault: byBounce ? faultOf(read) : judged.fault,
    ...(judged.rule !== undefined && { rule: judged.rule }),
  };
}
