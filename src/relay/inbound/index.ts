import type { AddressInfo } from "node:net";
import { SMTPServer, type SMTPServerSession } from "smtp-server";
import type { Feedback } from "../../feedback/index.ts";
import type { Address } from "../../platform/config/index.ts";
import type { Logger } from "../../platform/log.ts";

const MAX_BYTES = 1024 * 1024;
const MAX_CLIENTS = 100;
const IDLE_MS = 60_000;
const MAX_RECIPIENTS = 10;

export type Inbound = { readonly address: Address; close(): Promise<void> };

export type InboundOptions = {
  address: Address;
  hostname: string;
  tls: { cert: string; key: string };
  feedback: Feedback;
  log: Logger;
};

/** Port 25: takes bounces and complaints by their token, and role addresses. Everything else is refused at RCPT. */
export async function startInbound({
  address,
  hostname,
  tls,
  feedback,
  log,
}: InboundOptions): Promise<Inbound> {
  const server = new SMTPServer({
    name: hostname,
    banner: "Atmosphere Mail",
    ...tls,
    minVersion: "TLSv1.2",
    authOptional: true,
    disabledCommands: ["AUTH"],
    size: MAX_BYTES,
    maxClients: MAX_CLIENTS,
    socketTimeout: IDLE_MS,
    closeTimeout: 2_000,
    disableReverseLookup: true,
    onRcptTo({ address: to }, session, callback) {
      if (session.envelope.rcptTo.length >= MAX_RECIPIENTS)
        return callback(reply(452, "4.5.3 Too many recipients"));
      if (!feedback.accepts(to)) {
        return callback(reply(550, "5.1.1 This server takes bounces and reports of its own mail only"));
      }
      callback();
    },
    onData(stream, session, callback) {
      const chunks: Buffer[] = [];
      let size = 0;
      stream.on("data", (chunk: Buffer) => {
        size += chunk.length;
        if (size <= MAX_BYTES) chunks.push(chunk);
      });
      stream.on("end", () => {
        if (stream.sizeExceeded || size > MAX_BYTES)
          return callback(reply(552, "5.3.4 Reports are at most 1 MiB"));
        void answer(session, Buffer.concat(chunks), callback);
      });
    },
  });

  async function answer(
    session: SMTPServerSession,
    raw: Buffer,
    callback: (error?: Error) => void,
  ): Promise<void> {
    try {
      callback((await take(session, raw)) ? reply(452, "4.3.1 No room at the moment") : undefined);
    } catch (err) {
      log.error({ err }, "inbound mail could not be recorded");
      callback(reply(451, "4.3.0 Not recorded, try again later"));
    }
  }

  async function take(session: SMTPServerSession, raw: Buffer): Promise<boolean> {
    let full = false;
    for (const { address: to } of session.envelope.rcptTo) {
      const received = await feedback.receive(to, raw, session.hostNameAppearsAs || session.remoteAddress);
      log.info({ ...received }, "inbound mail");
      full ||= received.outcome === "full";
    }
    return full;
  }

  server.on("error", (err) => log.debug({ err }, "inbound connection failed"));
  await new Promise<void>((resolve, reject) => {
    server.server.once("error", reject);
    server.listen(address.port, address.host, () => {
      server.server.off("error", reject);
      resolve();
    });
  });
  const { address: host, port } = server.server.address() as AddressInfo;
  return {
    address: { host, port },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

function reply(code: number, text: string): Error {
  return Object.assign(new Error(text), { responseCode: code });
}
