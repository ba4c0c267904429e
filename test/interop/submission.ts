import { connect, type TLSSocket } from "node:tls";
import type { Cooperative, Member } from "./cooperative.ts";
import { POOL_HOST } from "./cooperative.ts";

/** The other side went away; `phase` is the last thing that was said to it. */
export class CutError extends Error {
  readonly phase: string;
  constructor(phase: string) {
    super(`the connection was cut after ${phase}`);
    this.phase = phase;
  }
}

/** A submission client that shows every step: implicit TLS, one command at a time. */
export interface Submission {
  /** Port of our end: how a trace of the other end tells this connection. */
  readonly localPort: number;
  readonly socket: TLSSocket;
  /** Sends a line, or nothing, and waits for the whole reply. Rejects with {@link CutError}. */
  say(line?: string): Promise<string>;
  /** MAIL, RCPT and DATA, up to the `354`. Throws when a reply is another one. */
  begin(from: string, to: string): Promise<void>;
  /** A message from MAIL to the reply to its final dot. */
  send(from: string, to: string, message: string): Promise<string>;
  quit(): Promise<void>;
  destroy(): void;
}

/** Opens a connection with the member's credential, up to `235`. */
export async function openSubmission(
  { product, authority }: Pick<Cooperative, "product" | "authority">,
  { username, secret }: Pick<Member, "username" | "secret">,
): Promise<Submission> {
  const socket = connect({
    host: "127.0.0.1",
    port: product.ports.tls,
    servername: POOL_HOST,
    ca: authority.cert,
  });
  let text = "";
  let phase = "connect";
  let wake = () => {};
  let gone = false;
  socket.setNoDelay(true);
  socket.on("data", (chunk: Buffer) => {
    text += chunk.toString("latin1");
    wake();
  });
  socket.on("error", () => undefined);
  socket.on("close", () => {
    gone = true;
    wake();
  });

  async function reply(): Promise<string> {
    for (;;) {
      const end = /^\d{3}(?: .*)?\r\n/m.exec(text);
      if (end) {
        const whole = text.slice(0, end.index + end[0].length);
        text = text.slice(whole.length);
        return whole;
      }
      if (gone) throw new CutError(phase);
      await new Promise<void>((resolve) => (wake = resolve));
    }
  }
  async function say(line?: string): Promise<string> {
    if (line !== undefined) {
      phase = line.split(/[ :]/)[0] ?? "";
      socket.write(`${line}\r\n`);
    }
    return reply();
  }
  async function expectCode(code: number, line?: string): Promise<void> {
    const answer = await say(line);
    if (!answer.startsWith(String(code))) throw new Error(`${line?.split(" ")[0] ?? "greeting"}: ${answer}`);
  }
  const begin = async (from: string, to: string) => {
    await expectCode(250, `MAIL FROM:<${from}>`);
    await expectCode(250, `RCPT TO:<${to}>`);
    await expectCode(354, "DATA");
  };

  try {
    await expectCode(220);
    await expectCode(250, "EHLO client.test");
    const plain = Buffer.from(`\0${username}\0${secret}`).toString("base64");
    await expectCode(235, `AUTH PLAIN ${plain}`);
  } catch (error) {
    socket.destroy();
    throw error;
  }
  return {
    localPort: socket.localPort!,
    socket,
    say,
    begin,
    async send(from, to, message) {
      await begin(from, to);
      socket.write(message.replaceAll(/\r\n\./g, "\r\n.."));
      return say(".");
    },
    async quit() {
      await say("QUIT");
      socket.destroy();
    },
    destroy: () => void socket.destroy(),
  };
}

/** A message with CRLF, its last line ended. */
export function compose(fields: {
  from: string;
  to: string;
  subject: string;
  id: string;
  body?: string;
}): string {
  return [
    `From: ${fields.from}`,
    `To: ${fields.to}`,
    `Subject: ${fields.subject}`,
    `Date: ${new Date().toUTCString().replace("GMT", "+0000")}`,
    `Message-ID: <${fields.id}>`,
    "",
    fields.body ?? "Your code is 123456.",
    "",
  ].join("\r\n");
}
