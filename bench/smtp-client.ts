import { connect } from "node:tls";
import type { Address } from "../test/interop/servers/process.ts";
import type { Login } from "./sides.ts";

const GIVE_UP_MS = 60_000;

/** A submission client that costs little: implicit TLS, pipelined envelopes, of a reply only its last line. */
export async function logIn(to: Address, { username, secret }: Login) {
  const socket = connect({ ...to, rejectUnauthorized: false });
  socket.setEncoding("latin1");
  socket.setTimeout(GIVE_UP_MS, () => socket.destroy(new Error("no answer")));
  const lines: string[] = [];
  let rest = "";
  let wake: () => void = () => undefined;
  let error: Error | undefined;
  socket.on("data", (chunk: string) => {
    const parts = (rest + chunk).split("\r\n");
    rest = parts.pop() ?? "";
    lines.push(...parts.filter((part) => part[3] !== "-"));
    wake();
  });
  socket.on("error", (err) => (error = err));
  socket.on("close", () => {
    error ??= new Error("the server closed the connection");
    wake();
  });

  async function reply(): Promise<string> {
    while (lines.length === 0) {
      if (error) throw error;
      await new Promise<void>((resolve) => (wake = resolve));
    }
    return lines.shift()!;
  }
  /** Takes as many replies as `text` asks for; gives the first that refuses, else the last. */
  async function ask(text: string, replies = 1): Promise<string> {
    socket.write(text, "latin1");
    let answer = "";
    for (let n = 0; n < replies; n++) {
      const next = await reply();
      if (!/^[45]/.test(answer)) answer = next;
    }
    return answer;
  }

  await reply();
  await ask("EHLO load.test\r\n");
  const token = Buffer.from(`\0${username}\0${secret}`).toString("base64");
  const answer = await ask(`AUTH PLAIN ${token}\r\n`);
  if (!answer.startsWith("235")) throw new Error(`AUTH was answered: ${answer}`);
  return {
    /** The reply to the final dot, or the refusal before it, and how long the final one took. */
    async send(sender: string, to: string, subject: string, body: string) {
      const go = await ask(`MAIL FROM:<${sender}>\r\nRCPT TO:<${to}>\r\nDATA\r\n`, 3);
      const began = performance.now();
      const last = go.startsWith("354") ? await ask(`${messageOf(sender, to, subject, body)}.\r\n`) : go;
      return { reply: last, ms: performance.now() - began };
    },
    async [Symbol.asyncDispose]() {
      socket.end("QUIT\r\n");
    },
  };
}

export function messageOf(sender: string, to: string, subject: string, body: string): string {
  return (
    `From: A <${sender}>\r\nTo: <${to}>\r\nSubject: ${subject}\r\nMIME-Version: 1.0\r\n` +
    `Content-Type: text/plain\r\n\r\n${body}`
  );
}

/** Text that makes a message of about `size` octets. */
export function bodyOf(size: number): string {
  const line = "The quick brown fox jumps over the lazy dog. 0123456789 abcdefghij\r\n";
  return line.repeat(Math.max(1, Math.floor((size - 200) / line.length)));
}
