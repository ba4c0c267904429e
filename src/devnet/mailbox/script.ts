/** What a scripted recipient does with a message. Everybody else is an ordinary mailbox: `accept`. */
export type Behaviour = "accept" | "defer" | "bounce" | "full" | "slow" | "drop" | "spam" | "late";

export type SmtpReply = { code: number; text: string };

const SCRIPTED = /^(defer|bounce|full|slow|drop|spam|late)(?:[+\d].*)?$/i;
const TRIES_REFUSED = 2;

export const UNKNOWN_USER: SmtpReply = {
  code: 550,
  text: "5.1.1 The email account that you tried to reach does not exist. Check the address for typos",
};

/** Read from the local part, with or without a suffix: `bounce`, `bounce7`, `bounce+anna`. */
export function behaviourOf(address: string): Behaviour {
  const local = address.slice(0, address.lastIndexOf("@"));
  return (SCRIPTED.exec(local)?.[1]?.toLowerCase() as Behaviour | undefined) ?? "accept";
}

/** The refusal at RCPT, or undefined to accept. `triesBefore` counts this sender's earlier tries for this recipient. */
export function refusal(behaviour: Behaviour, triesBefore: number): SmtpReply | undefined {
  const early = triesBefore < TRIES_REFUSED;
  switch (behaviour) {
    case "bounce":
      return UNKNOWN_USER;
    case "defer":
      return early ? { code: 451, text: "4.7.1 Greylisted, please try again later" } : undefined;
    case "full":
      return early
        ? { code: 452, text: "4.2.2 The recipient's inbox is out of storage space, try again later" }
        : { code: 552, text: "5.2.2 The recipient's inbox is out of storage space" };
    default:
      return undefined;
  }
}
