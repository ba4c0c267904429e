import type { LabelValue } from "./wanted.ts";

export const LABELER_SERVICE_COLLECTION = "app.bsky.labeler.service";

const WORDS: Record<LabelValue, { name: string; description: string }> = {
  "verified-mail-operator": {
    name: "Verified mail operator",
    description:
      "Attests a mail domain in its repository; we have proved the record and checked that the domain's DNS is sound.",
  },
  "relay-member": {
    name: "Relay member",
    description: "Sends its mail through the cooperative's relay pool.",
  },
  "verified-member": {
    name: "Verified member",
    description: "A member of the mail cooperative that a person has vetted.",
  },
  "clean-sender": {
    name: "Clean sender",
    description:
      "A member with a long record of mail that nearly always arrives and that nobody complains about.",
  },
};

/** The values that this labeler gives. */
const LABEL_VALUES = Object.keys(WORDS) as LabelValue[];

/**
 * The record `self` of `app.bsky.labeler.service`: what the labels mean, and that clients show them as information,
 * blur nothing and ignore them unless a person asks for them. Reports are not taken: no reasons, no subjects.
 */
export function labelerServiceRecord(createdAt: string) {
  return {
    $type: LABELER_SERVICE_COLLECTION,
    policies: {
      labelValues: [...LABEL_VALUES],
      labelValueDefinitions: LABEL_VALUES.map((identifier) => ({
        identifier,
        severity: "inform",
        blurs: "none",
        defaultSetting: "ignore",
        adultOnly: false,
        locales: [{ lang: "en", ...WORDS[identifier] }],
      })),
    },
    reasonTypes: [],
    subjectTypes: [],
    createdAt,
  };
}
