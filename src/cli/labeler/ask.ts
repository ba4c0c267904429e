import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";

export type Question = {
  text: string;
  /** Environment variable that answers it. */ variable: string;
  secret: boolean;
};

/** The answer, or undefined when nobody gives one. Secrets never come from the arguments. */
export type Ask = (question: Question) => Promise<string | undefined>;

/** From the environment, from a person at the terminal, or line by line from what is piped in. */
export function createAsk(): Ask {
  let lines: AsyncIterator<string> | undefined;
  return async ({ text, variable, secret }) => {
    const given = process.env[variable];
    if (given) return given;
    if (process.stdin.isTTY) return askAtTerminal(text, secret);
    lines ??= createInterface({ input: process.stdin })[Symbol.asyncIterator]();
    const { value, done } = await lines.next();
    return done || value === "" ? undefined : value;
  };
}

async function askAtTerminal(text: string, secret: boolean): Promise<string | undefined> {
  let silent = false;
  const output = new Writable({
    write(chunk, _, done) {
      if (!silent) process.stderr.write(chunk as Buffer);
      done();
    },
  });
  const terminal = createInterface({ input: process.stdin, output, terminal: true });
  try {
    const answer = terminal.question(`${text}: `);
    silent = secret;
    return (await answer).trim() || undefined;
  } finally {
    terminal.close();
    if (secret) process.stderr.write("\n");
  }
}
