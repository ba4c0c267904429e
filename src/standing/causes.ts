import type { Standing } from "../policy/index.ts";

/** Rungs that a cause can lead to. */
export type Grade = Exclude<Standing, "good" | "ejected">;

/**
 * What follows from a label that a rule puts on somebody. `grade`: the member's standing, if it is better. `note`: words,
 * and nothing else. `pause`: the credential stops, and a person is asked. `end-pause`: the breaker's pause of the credential
 * is over. `hold`, `release`: mail of the domain waits, or leaves. `public`: the one label that anybody may see.
 */
export type Consequence =
  | { kind: "grade"; grade: Grade }
  | { kind: "note" | "pause" | "end-pause" | "hold" | "release" | "public" };

/** What a rule's label means for the ladder, and what the member is told. */
export type Cause = {
  /** What the label is put on. */
  entity: "Member" | "Credential" | "Domain";
  consequence: Consequence;
  title: string;
  /** What the member can do, in the imperative. */
  remedy: string;
  /** Which window decided, and the features of the rule that hold the thresholds of its fields. */
  window: "bounce" | "complaint" | "complaint_burst" | "breaker" | "authentication" | "provider" | "standing";
  thresholds: Readonly<Record<string, string>>;
};

const grade = (to: Grade): Consequence => ({ kind: "grade", grade: to });

const CONFIRM_ADDRESSES =
  "Confirm addresses before you mail them: require a click on the confirmation before any further mail, add a captcha or a " +
  "limit to your sign-up form, and do not retry addresses that bounced.";

/** What strangers bring about is mended at the form, and by nothing else. */
const BOUNCES_OF_STRANGERS =
  "Strangers type addresses that do not exist into your sign-up form: put a captcha, an invite code or a limit on sign-ups " +
  "from one network there, and do not retry addresses that bounced.";

const COMPLAINTS_OF_STRANGERS =
  "Most of those who complained had signed up in the days before: let nobody sign up with an address before it is confirmed by a " +
  "click, put a captcha, an invite code or a limit on sign-ups there, and look for one person with many accounts.";

/** What helps against a cause, also where it is mostly strangers who brought it about. */
export function remedyOf(cause: string, byStrangers: boolean): string {
  const { window, remedy } = CAUSES[cause]!;
  if (!byStrangers) return remedy;
  return window === "complaint" ? COMPLAINTS_OF_STRANGERS : BOUNCES_OF_STRANGERS;
}

/** Labels of `rules/labels.json`, and their meaning here. */
export const CAUSES: Readonly<Record<string, Cause>> = {
  "bounce-warning": {
    entity: "Member",
    consequence: grade("warned"),
    window: "bounce",
    thresholds: { p_over_5: "BounceWarningCertainty", distinct: "BounceWarningRecipients" },
    title: "Too many of your messages go to addresses that do not exist",
    remedy: CONFIRM_ADDRESSES,
  },
  "bounce-probation": {
    entity: "Member",
    consequence: grade("probation"),
    window: "bounce",
    thresholds: { p_over_10: "BounceProbationCertainty", distinct: "BounceProbationRecipients" },
    title: "Very many of your messages go to addresses that do not exist",
    remedy:
      "Stop mailing unconfirmed addresses now: put a captcha and a limit on your sign-up form, remove addresses " +
      "that bounced, and look for a script that signs up strangers.",
  },
  "complaint-notice": {
    entity: "Member",
    consequence: { kind: "note" },
    window: "complaint",
    thresholds: {},
    title: "Somebody called mail of yours spam",
    remedy:
      "Nothing is asked of you. If it was no login code or password reset that somebody did not ask for, ask yourself " +
      "whether these people wanted the mail, and let them leave with one click.",
  },
  "complaint-probation": {
    entity: "Member",
    consequence: grade("probation"),
    window: "complaint",
    thresholds: { p_over_01: "ComplaintProbationCertainty", complainants: "ComplaintProbationPeople" },
    title: "Too many people call your mail spam",
    remedy:
      "Send nothing but what people ask for: no newsletter, no digest, until you know who complained about what. Make " +
      "leaving one click, and stop mailing people who have not signed in for a year.",
  },
  "complaint-burst": {
    entity: "Credential",
    consequence: { kind: "pause" },
    window: "complaint_burst",
    thresholds: { complainants: "ComplaintBurstPeople", p_over_01: "ComplaintBurstCertainty" },
    title: "Several people called mail of one credential spam within a day",
    remedy: "Stop what they complained about, and then say whether it was you who sent it.",
  },
  "breaker-confirmed": {
    entity: "Member",
    consequence: grade("suspended"),
    window: "breaker",
    thresholds: {},
    title:
      "A credential of yours sent to strangers, and dead addresses or complaints say that it was a spam run",
    remedy:
      "Say on your page whether it was you. If it was not, the credential is replaced; find out where it was kept, and " +
      "change that before you use the new one. Then tell the committee what you found.",
  },
  "breaker-lifted": {
    entity: "Credential",
    consequence: { kind: "end-pause" },
    window: "breaker",
    thresholds: {},
    title: "A false alarm: the pool's books know this mail",
    remedy: "",
  },
  "authentication-broken": {
    entity: "Domain",
    consequence: { kind: "hold" },
    window: "authentication",
    thresholds: { failed: "AuthenticationFailures", since_hours: "AuthenticationHours" },
    title: "The DNS records of a domain do not pass their check",
    remedy: "Publish the record that the check names. Mail leaves by itself as soon as it passes.",
  },
  "authentication-restored": {
    entity: "Domain",
    consequence: { kind: "release" },
    window: "authentication",
    thresholds: {},
    title: "The DNS records of the domain pass again",
    remedy: "",
  },
  "clean-sender": {
    entity: "Member",
    consequence: { kind: "public" },
    window: "standing",
    thresholds: { good_days: "CleanDays", eligible: "CleanRecipients" },
    title: "A long clean record",
    remedy: "",
  },
  "provider-complaints": {
    entity: "Member",
    consequence: grade("warned"),
    window: "provider",
    thresholds: { spam_rate: "ProviderSpamRateLine", days: "ProviderDaysNeeded" },
    title: "Gmail's people call too much of your mail spam",
    remedy:
      "Send to Gmail only what people ask for until the figure falls: look at what you sent on these days, make leaving one " +
      "click, and stop mailing people who have not signed in for a year.",
  },
};

/** The rung of a cause by itself; undefined when it has none. */
export function gradeOf(cause: string): Grade | undefined {
  const consequence = CAUSES[cause]?.consequence;
  return consequence?.kind === "grade" ? consequence.grade : undefined;
}
