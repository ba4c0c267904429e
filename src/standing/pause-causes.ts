/** Why sending stops, in words for the member, with what helps. Keys are those of the breaker. */
const WORDS: Record<string, { title: string; remedy: string }> = {
  content: {
    title: "Mail of a kind that you have not sent before went to many people you have not written to before",
    remedy:
      "Look at what was held. If you sent it, say so and it leaves; if not, somebody has the credential, and saying so drops it.",
  },
  "first-contact": {
    title: "Too many of the last people you wrote to for the first time do not exist",
    remedy:
      "See where these addresses come from: an open sign-up form needs a captcha, a list needs its owners' consent. Then say whether this was you.",
  },
  spray: {
    title: "Many people you have not written to before were written to within an hour",
    remedy: "If you sent it, say so and it leaves; if not, somebody has the credential.",
  },
  complaints: {
    title: "Several people called mail of this credential spam within a day",
    remedy: "Stop what they complained about, and then say whether it was you who sent it.",
  },
  person: {
    title: "A person of the committee stopped it",
    remedy: "Answer the committee; it ends the pause.",
  },
};

export function pauseWords(cause: string): { title: string; remedy: string } {
  return (
    WORDS[cause] ?? {
      title: `Sending was unlike what you usually send (${cause})`,
      remedy: "Look at what was held, and say whether you sent it.",
    }
  );
}
