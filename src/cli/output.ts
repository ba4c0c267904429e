import { readFileSync } from "node:fs";
import { isoTimes } from "../lib/iso-times.ts";

/** How a command ends. 0: as it should be. 1: something is wrong, and was said. 2: it was called wrongly. */
export const EXIT = { ok: 0, fault: 1, usage: 2 } as const;

export type Output = {
  /** For people, on standard output. Nothing when the answer is to be JSON. */
  say(line?: string): void;
  /** The answer as one JSON document, when JSON is wanted; its times as ISO 8601. */
  result(value: unknown): void;
};

export function outputFor(options: { json?: boolean }): Output {
  return {
    say: (line = "") => {
      if (!options.json) process.stdout.write(`${line}\n`);
    },
    result: (value) => {
      if (options.json) process.stdout.write(`${JSON.stringify(isoTimes(value), null, 2)}\n`);
    },
  };
}

/** A failure with its remedy, as the command's end. */
export class CommandError extends Error {
  readonly exit: number;
  constructor(message: string, exit: number = EXIT.fault) {
    super(message);
    this.exit = exit;
  }
}

/** The text of a file that an option names. */
export const readOption = (option: string, path: string): string =>
  readOptionBytes(option, path).toString("utf8");

export function readOptionBytes(option: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CommandError(`${option} ${path} cannot be read (${code}).`, EXIT.usage);
  }
}

/** Text from outside, safe for a terminal. */
export function plain(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]|\p{Bidi_Control}/gu, "?");
}
