import { readFile } from "node:fs/promises";
import { SMTPServer } from "smtp-server";
import type { Certificate } from "./servers/certificate.ts";
import type { Address, Server } from "./servers/process.ts";

/** One message that the sink took: it said 250, or was about to. */
export interface Copy {
  messageId: string;
  /** The return path. */
  from: string;
  to: string;
  /** As it came, dots unstuffed. */
  raw: Buffer;
  /** Octets. */
  size: number;
  /** ms since 1970. */
  at: number;
  conversation: Conversation;
}

export interface Conversation {
  quit: boolean;
  /** When it ended, ms since 1970; undefined while it lasts. */
  endedAt: number | undefined;
}

export interface Sink extends Server {
  /** In order of arrival. */
  copies: Copy[];
  byMessageId(id: string): Copy[];
}

/** A receiving mail server that takes all, over STARTTLS, and remembers what came in which conversation. */
export async function startSink({ host, port }: Address, certificate: Certificate): Promise<Sink> {
  const copies: Copy[] = [];
  const index = new Map<string, Copy[]>();
  const conversations = new Map<string, Conversation>();
  const conversation = (id: string) => {
    let found = conversations.get(id);
    if (!found) conversations.set(id, (found = { quit: false, endedAt: undefined }));
    return found;
  };
  const silent = () => undefined;
  const server = new SMTPServer({
    key: await readFile(certificate.keyPath, "utf8"),
    cert: await readFile(certificate.certPath, "utf8"),
    authOptional: true,
    disableReverseLookup: true,
    // The only place where QUIT can be seen.
    logger: {
      trace: silent,
      debug: (entry: { tnx?: string; cid?: string; command?: string }) => {
        if (entry.tnx === "command" && entry.command === "QUIT") conversation(entry.cid ?? "").quit = true;
      },
      info: silent,
      warn: silent,
      error: silent,
      fatal: silent,
    },
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        const raw = Buffer.concat(chunks);
        const messageId = /^Message-ID: <(.+)>\r$/im.exec(raw.toString("latin1"))?.[1] ?? "";
        const to = session.envelope.rcptTo[0]?.address ?? "";
        const copy = {
          messageId,
          from: session.envelope.mailFrom ? session.envelope.mailFrom.address : "",
          to,
          raw,
          size: raw.length,
          at: Date.now(),
          conversation: conversation(session.id),
        };
        copies.push(copy);
        index.set(messageId, [...(index.get(messageId) ?? []), copy]);
        done();
      });
    },
    onClose(session) {
      conversation(session.id).endedAt = Date.now();
    },
  });
  server.on("error", silent);
  await new Promise<void>((resolve) => server.listen(port, host, resolve));
  const stop = () => new Promise<void>((resolve) => server.close(resolve));
  return { copies, byMessageId: (id) => index.get(id) ?? [], stop, [Symbol.asyncDispose]: stop };
}
