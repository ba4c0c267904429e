import { between, pick, type Random } from "./random.ts";

/** The mails that a PDS sends to its users. */
export type LetterKind = "confirm-email" | "reset-password" | "update-email";

export type Letter = { subject: string; text: string; html: string };

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

const WORDS: Record<LetterKind, { subject: string; lead: string; close: string }> = {
  "confirm-email": {
    subject: "Email Confirmation",
    lead: "To confirm this email for your account, please enter the following code in the app:",
    close: "If you did not create an account, you can ignore this email.",
  },
  "reset-password": {
    subject: "Password Reset Requested",
    lead: "We received a request to reset the password of your account. Your reset code is:",
    close: "The code ends after 15 minutes. If you did not ask for it, you can ignore this email.",
  },
  "update-email": {
    subject: "Email Update Requested",
    lead: "We received a request to change the email address of your account. Your code is:",
    close: "If you did not ask for it, change your password now.",
  },
};

export function letter(kind: LetterKind, handle: string, host: string, random: Random): Letter {
  const { subject, lead, close } = WORDS[kind];
  const code = token(random);
  const text = [`Hello @${handle},`, lead, `    ${code}`, close, `Sent by ${host}`].join("\r\n\r\n");
  const html = `<p>Hello <b>@${handle}</b>,</p><p>${lead}</p><p><code>${code}</code></p><p>${close}</p><p>Sent by ${host}</p>`;
  return { subject, text: `${text}\r\n`, html };
}

/** Five and five characters, as a PDS writes them. */
function token(random: Random): string {
  const five = () => Array.from({ length: 5 }, () => ALPHABET[between(random, 0, 31)]).join("");
  return `${five()}-${five()}`;
}

const GIVEN = [
  "anna",
  "ben",
  "carla",
  "david",
  "eda",
  "farid",
  "greta",
  "hugo",
  "ines",
  "jonas",
  "kiri",
  "lena",
];
const FAMILY = [
  "berg",
  "costa",
  "diaz",
  "evans",
  "fischer",
  "garcia",
  "haas",
  "ito",
  "jansen",
  "khan",
  "lopez",
  "meyer",
];

/** A plausible local part; `number` tells namesakes apart. */
export function personName(random: Random, number: number): string {
  return `${pick(random, GIVEN)}.${pick(random, FAMILY)}${number}`;
}
