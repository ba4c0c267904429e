import { readMail, type Mail } from "../mime/index.ts";
import { openArchive, type Unpacked } from "./open.ts";

/** Parts that are opened, and messages within messages. A report has one of the first, and none of the second. */
const MOST_PARTS = 10;
const DEEPEST = 2;

/** What a message carries that could be a report, unpacked; `problems` are those that could not be opened. */
export type Carried = { files: Unpacked[]; problems: string[] };

/**
 * The XML and JSON files of a message, whatever their types and names say: in archives, as they are, or in a forwarded
 * message. `most` octets for all together.
 */
export async function carriedFiles(mail: Mail, most: number): Promise<Carried> {
  const carried: Carried = { files: [], problems: [] };
  await collect(mail, { left: most, parts: MOST_PARTS }, carried, 0);
  return carried;
}

type Budget = { left: number; parts: number };

async function collect(mail: Mail, budget: Budget, carried: Carried, depth: number): Promise<void> {
  for (const { type, filename, content } of mail.parts) {
    if (budget.parts <= 0) return;
    if (type === "message/rfc822" && depth < DEEPEST) {
      budget.parts--;
      await collect(await readMail(content), budget, carried, depth + 1);
      continue;
    }
    if (!isMarkup(content) && !isPacked(content)) continue;
    budget.parts--;
    const opened = await openArchive(content, budget.left);
    if (opened.status !== "opened") {
      carried.problems.push(`${filename || type}: ${opened.detail}`);
      continue;
    }
    for (const file of opened.files) {
      budget.left = Math.max(0, budget.left - file.content.length);
      if (isMarkup(file.content)) carried.files.push({ ...file, name: file.name || filename });
    }
  }
}

const isPacked = ([a, b]: Uint8Array) =>
  (a === 0x50 && b === 0x4b) ||
  (a === 0x1f && b === 0x8b) ||
  (a === 0x78 && ((a << 8) | (b ?? 0)) % 31 === 0);

/** Begins, behind a byte order mark and white space, with `<` or `{`. */
function isMarkup(content: Uint8Array): boolean {
  const front = Buffer.from(content.buffer, content.byteOffset, Math.min(content.length, 200)).toString(
    "latin1",
  );
  return /^(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)?[\s\0]*[<{]/.test(front);
}
