import { createReadStream } from "node:fs";
import { once } from "node:events";

/** A line of a file: its text, or why it cannot be read. Numbers begin at 1; empty lines are passed over. */
export type Line = { number: number; text: string } | { number: number; problem: string };

const NEWLINE = 10;

/** The lines of a file (`-`: standard input), one at a time. A line of more than `most` octets is passed over, and said. */
export async function* linesOf(path: string, most: number): AsyncGenerator<Line> {
  const stream: AsyncIterable<Buffer> = path === "-" ? process.stdin : createReadStream(path);
  let number = 1;
  let pieces: Buffer[] = [];
  let size = 0;
  const take = (piece: Buffer) => {
    size += piece.length;
    if (size <= most) pieces.push(piece);
    else pieces = [];
  };
  const end = (): Line | undefined => {
    const line = lineOf(number, size > most ? undefined : Buffer.concat(pieces), most);
    [pieces, size, number] = [[], 0, number + 1];
    return line;
  };
  for await (const chunk of stream) {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
      take(chunk.subarray(from, at));
      from = at + 1;
      const line = end();
      if (line) yield line;
    }
    take(chunk.subarray(from));
  }
  const last = end();
  if (last) yield last;
}

function lineOf(number: number, octets: Buffer | undefined, most: number): Line | undefined {
  if (octets === undefined) return { number, problem: `the line is longer than ${most} octets` };
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(octets).trim();
    return text === "" ? undefined : { number, text };
  } catch {
    return { number, problem: "the line is not UTF-8" };
  }
}

/** A line as JSON, or why it is none. */
export function jsonOf(line: Line): { value: unknown } | { problem: string } {
  if ("problem" in line) return { problem: line.problem };
  try {
    return { value: LONG_ID.test(line.text) ? withWholeIds(line.text) : (JSON.parse(line.text) as unknown) };
  } catch (error) {
    return { problem: `the line is not JSON (${(error as Error).message})` };
  }
}

const LONG_ID = /"action_id"\s*:\s*-?\d{16}/;

type Reviver = (this: unknown, key: string, value: unknown, context: { source?: string }) => unknown;

/** A snowflake is beyond what a number holds: as text nothing of it is lost. Of an event alone, not of what it carries. */
function withWholeIds(text: string): unknown {
  const keep: Reviver = function (key, value, { source }) {
    const isEvent = typeof this === "object" && this !== null && "action_name" in this && "data" in this;
    return key === "action_id" && isEvent && typeof value === "number" && !Number.isSafeInteger(value)
      ? source
      : value;
  };
  return JSON.parse(text, keep as (key: string, value: unknown) => unknown) as unknown;
}

export async function write(text: string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, "drain");
}

/** What is wrong with opening a file, in words. */
export function faultOf(path: string, error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "ENOENT") return `${path}: there is no such file.`;
  if (code === "EISDIR") return `${path}: it is a directory, not a file.`;
  if (code === "EACCES" || code === "EPERM") return `${path}: it may not be read by this user.`;
  return `${path}: it cannot be read (${code ?? message}).`;
}
