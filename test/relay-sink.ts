import type { AddressInfo } from "node:net";
import { SMTPServer } from "smtp-server";

type Reply = [code: number, text: string];
type Received = {
  from: string;
  to: string;
  raw: string;
  secure: boolean;
  connection: string;
  /** Parameters of MAIL and RCPT. */
  mail: object | false;
  rcpt: object | false;
};
const fail = ([responseCode, text]: Reply) => Object.assign(new Error(text), { responseCode });

export type SinkOptions = { tls?: boolean; stuck?: boolean; hide?: ("8BITMIME" | "SMTPUTF8" | "DSN")[] };

/** A receiving server with scripted answers, on loopback. `stuck`: it stops reading in the middle of a message. */
export async function createSink(options: SinkOptions = {}) {
  const received: Received[] = [];
  const replies: { rcpt?: Record<string, Reply>; data?: Reply } = {};
  const inData = Promise.withResolvers<void>();
  const cutOff = Promise.withResolvers<boolean>();
  let held: (() => void)[] | undefined;
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: options.tls === false ? ["AUTH", "STARTTLS"] : ["AUTH"],
    disableReverseLookup: true,
    hide8BITMIME: options.hide?.includes("8BITMIME") ?? false,
    hideSMTPUTF8: options.hide?.includes("SMTPUTF8") ?? false,
    hideDSN: options.hide?.includes("DSN") ?? false,
    logger: false,
    closeTimeout: 1,
    onRcptTo({ address }, _session, done) {
      const reply = replies.rcpt?.[address];
      const answer = () => done(reply ? fail(reply) : null);
      if (held) held.push(answer);
      else answer();
    },
    onData(stream, session, done) {
      inData.resolve();
      if (options.stuck) {
        stream.on("close", () => cutOff.resolve(!stream.writableEnded));
        return;
      }
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        if (replies.data) return done(fail(replies.data));
        received.push({
          from: session.envelope.mailFrom ? session.envelope.mailFrom.address : "",
          to: session.envelope.rcptTo[0]!.address,
          raw: Buffer.concat(chunks).toString("latin1"),
          secure: session.secure,
          connection: session.id,
          mail: session.envelope.mailFrom && session.envelope.mailFrom.args,
          rcpt: session.envelope.rcptTo[0]!.args,
        });
        done(null, "kept");
      });
    },
  });
  server.on("error", () => undefined);
  const port = await new Promise<number>((resolve) => {
    const listening = server.listen(0, "127.0.0.1", () => resolve((listening.address() as AddressInfo).port));
  });
  return {
    port,
    received,
    replies,
    /** Answers no RCPT until the function that it returns is called. */
    hold(): () => void {
      const own = (held ??= []);
      return () => {
        held = undefined;
        for (const answer of own) answer();
      };
    },
    /** A message has begun to come in. */
    inData: inData.promise,
    /** The connection ended in the middle of a message: true when there was no final dot. */
    cutOff: cutOff.promise,
    close: () => new Promise<void>((resolve) => server.close(resolve)),
  };
}
