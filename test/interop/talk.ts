import { connect } from "node:net";
import type { Address } from "./servers/process.ts";

interface Conversation {
  /** What goes before the first command: a header of the PROXY protocol. */
  before: Buffer | string;
  mail?: string;
  recipient?: string;
}

/** One mail in a conversation, until the server has said no or everything is said; the replies' last lines. */
export async function talk(
  to: Address,
  { before, mail = "Subject: Hello\r\n\r\nHello\r\n", recipient = "ada@here.example" }: Conversation,
): Promise<string[]> {
  const socket = connect(to);
  const replies: string[] = [];
  const steps = [
    "EHLO mx.sender.example",
    "MAIL FROM:<a@sender.example>",
    `RCPT TO:<${recipient}>`,
    "DATA",
    `${mail}.`,
    "QUIT",
  ];
  let text = "";
  await new Promise<void>((resolve, reject) => {
    socket.setTimeout(20_000, () => socket.destroy(new Error(`no answer after ${replies.join(" | ")}`)));
    socket.on("error", reject);
    socket.on("close", () => resolve());
    socket.on("connect", () => socket.write(before));
    socket.on("data", (chunk) => {
      text += chunk.toString();
      const lines = text.split("\r\n");
      text = lines.pop()!;
      for (const line of lines) {
        if (!/^\d{3} /.test(line)) continue;
        replies.push(line);
        const next = steps.shift();
        if (/^[45]/.test(line) || next === undefined) return void socket.end();
        socket.write(`${next}\r\n`);
      }
    });
  });
  return replies;
}

/** What the server had against it, or "taken". */
export const verdict = (replies: string[]) => replies.find((line) => /^[45]/.test(line)) ?? "taken";
