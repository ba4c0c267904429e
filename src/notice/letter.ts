import { oneLine } from "../lib/one-line.ts";
import { MOST_MAILS } from "./allowance.ts";

export type Letter = { subject: string; text: string };

const WIDTH = 72;

export const heading = (text: string) => `${text}\n${"-".repeat(text.length)}`;

/** Texts of persons and of other programs, as one line. */
export const clean = (text: string) => oneLine(text, 2_000);

export const time = (at: number) => `${new Date(at).toISOString().slice(0, 16).replace("T", " ")} UTC`;

/** A letter to a member: its parts, that it is the last for a while if it is, and whom to ask. */
export function letter(
  subject: string,
  { writeTo, last, did }: { writeTo: string; last: boolean; did: string },
  parts: readonly string[],
): Letter {
  const [day, month] = MOST_MAILS;
  const end = last
    ? [
        `This is the last of these mails for a while: ${day.count} go out within a day, ${month.count} within thirty days. What happens meanwhile is on your page.`,
      ]
    : [];
  const whom = `Questions: answer this mail, or write to ${writeTo}. You get it because it is the contact of ${did} at our pool.`;
  return plainLetter(subject, [...parts, ...end, whom]);
}

export const plainLetter = (subject: string, parts: readonly string[]): Letter => ({
  subject,
  text: `${parts.map(wrapped).join("\n\n")}\n`,
});

/** Lines of at most 72 characters, longer words (addresses of pages) whole; an indented line stays as it is. */
function wrapped(text: string): string {
  return text
    .split("\n")
    .map((line) => (line.startsWith(" ") ? line : wrapLine(line)))
    .join("\n");
}

function wrapLine(line: string): string {
  const lines: string[] = [];
  let current = "";
  for (const word of line.split(" ")) {
    if (current && current.length + 1 + word.length > WIDTH) {
      lines.push(current);
      current = word;
    } else current = current ? `${current} ${word}` : word;
  }
  return [...lines, current].join("\n");
}
