import type { AddressInfo } from "node:net";
import { SMTPServer, type SMTPServerSession } from "smtp-server";
import type { Feedback } from "../../feedback/index.ts";
import type { Address } from "../../platform/config/index.ts";
import type { Logger } from "../../platform/log.ts";
import { limitConnections } from "../connections.ts";

const MAX_BYTES = 1024 * 1024;
const MAX_CLIENTS = 200;
const MAX_PER_ADDRESS = 50;
const SESSION_MS = 600_000;
const DATA_MS = 120_000;
const IDLE_MS = 60_000;
const MAX_RECIPIENTS = 10;

export type Inbound = {
  readonly address: Address;
  /** Certificates were renewed. */
  setTls(tls: { cert: string; key: string }): void;
  close(): Promise<void>;
};

export type InboundOptions = {
  address: Address;
  hostname: string;
  tls: { cert: string; key: string };
  feedback: Feedback;
  log: Logger;
  /** Connections from one address; default 50. */
  maxPerAddress?: number;
  /** Time for one report to come in; default 2 minutes. */
  dataMs?: number;
};

/** Port 25: takes bounces and complaints by their token, and role addresses. Everything else is refused at RCPT. */
export async function startInbound({
  address,
  hostname,
  tls,
  feedback,
  log,
  maxPerAddress = MAX_PER_ADDRESS,
  dataMs = DATA_MS,
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
    onConnect: (session, callback) => callback(limits.opened(session)),
    onClose: (session) => limits.passed(session),
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
      const timer = setTimeout(() => {
        stream.destroy();
        callback(reply(421, "4.4.2 The report took too long"));
      }, dataMs);
      stream.on("close", () => clearTimeout(timer));
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

  const limits = limitConnections({ perAddress: maxPerAddress, untilPassedMs: SESSION_MS });
  limits.guard(server);

  async function answer(
    session: SMTPServerSession,
    raw: Buffer,
    callback: (error?: Error) => void,
  ): Promise<void> {
    try {
      callback(REPLIES[await take(session, raw)]);
    } catch (err) {
      log.error({ err }, "inbound mail could not be recorded");
      callback(reply(451, "4.3.0 Not recorded, try again later"));
    }
  }

  /** All recipients have theirs; what one of them could not take comes again for all, and counts once. */
  async function take(session: SMTPServerSession, raw: Buffer): Promise<"taken" | "full" | "too-early"> {
    let result: "taken" | "full" | "too-early" = "taken";
    for (const { address: to } of session.envelope.rcptTo) {
      const received = await feedback.receive(to, raw, session.hostNameAppearsAs || session.remoteAddress);
      log.info({ ...received }, "inbound mail");
      if (received.outcome === "full" || received.outcome === "too-early") result = received.outcome;
    }
    return result;
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
    setTls: (renewed) => server.updateSecureContext(renewed),
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

const REPLIES = {
  taken: undefined,
  full: reply(452, "4.3.1 No room at the moment"),
  "too-early": reply(451, "4.2.0 The delivery that this is about is not recorded yet, try again later"),
};

function reply(code: number, text: string): Error {
  return Object.assign(new Error(text), { responseCode: code });
}
