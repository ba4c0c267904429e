import type { Standing } from "../policy/index.ts";

/** What a rule's label on a member means for the ladder, and what the member is told. */
export type Cause = {
  /** The rung that this cause leads to, if the member stands higher. */
  grade: Exclude<Standing, "good" | "ejected">;
  title: string;
  /** What the member can do, in the imperative. */
  remedy: string;
  /** Which window decided, and the features of the rule that hold the thresholds of its fields. */
  window: "bounce" | "complaint";
  thresholds: Readonly<Record<string, string>>;
};

/** Labels that rules put on a member (`rules/labels.json`), and their meaning here. */
export const CAUSES: Readonly<Record<string, Cause>> = {
  "bounce-warning": {
    grade: "warned",
    window: "bounce",
    thresholds: { p_over_5: "BounceWarningCertainty", distinct: "BounceWarningRecipients" },
    title: "Too many of your messages go to addresses that do not exist",
    remedy:
      "Confirm addresses before you mail them: require a click on the confirmation before any further mail, " +
      "add a captcha or a limit to your sign-up form, and do not retry addresses that bounced.",
  },
  "bounce-probation": {
    grade: "probation",
    window: "bounce",
    thresholds: { p_over_10: "BounceProbationCertainty", distinct: "BounceProbationRecipients" },
    title: "Very many of your messages go to addresses that do not exist",
    remedy:
      "Stop mailing unconfirmed addresses now: put a captcha and a limit on your sign-up form, remove addresses " +
      "that bounced, and look for a script that signs up strangers.",
  },
};
