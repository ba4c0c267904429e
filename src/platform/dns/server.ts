import { createSocket, type RemoteInfo, type Socket as UdpSocket } from "node:dgram";
import { once } from "node:events";
import { createServer, isIP, type Server, type Socket } from "node:net";
import {
  decode,
  encode,
  AUTHENTIC_DATA,
  AUTHORITATIVE_ANSWER,
  RECURSION_DESIRED,
  TRUNCATED_RESPONSE,
} from "dns-packet";
import type { DecodedPacket, OptAnswer, Question } from "dns-packet";
import { lengthPrefixed } from "./exchange.ts";
import type { Passage } from "./response-limit.ts";
import { canonicalName, edns, RCODE, toAnswer, UDP_PAYLOAD, type DnsRecord } from "./wire.ts";

/** `name` is lower case without a final dot; `type` such as `TXT`, `ANY`, or `UNKNOWN_65` for a type without a name here. */
export type DnsQuestion = { name: string; type: string };

export type DnsReply = {
  status: "ok" | "nxdomain" | "nodata" | "refused" | "servfail";
  answers: DnsRecord[];
  /** SOA of the zone in a negative answer (RFC 2308), NS in a referral. */
  authority?: DnsRecord[];
  authoritative: boolean;
  /** As a validating resolver says it (AD): only where the clients have reason to believe this server. */
  authentic?: boolean;
};

export type DnsServerOptions = {
  host: string;
  /** 0 picks one that is free for UDP and TCP. */
  port: number;
  answer: (question: DnsQuestion) => DnsReply | Promise<DnsReply>;
  /** Answers from octets to octets what it can; the rest is `answer`'s. UDP only. */
  answerWire?: (query: Buffer) => Buffer | undefined;
  /** What becomes of an answer to this address; UDP only. Absent: every one is sent. */
  limit?: (address: string) => Passage;
  /** Told when `answer` throws; the client gets SERVFAIL. */
  onError?: (error: unknown) => void;
};

export type DnsServer = { host: string; port: number; close(): Promise<void> };

const MAX_TCP_CONNECTIONS = 200;
const TCP_IDLE_MS = 10_000;
const MAX_UDP_IN_FLIGHT = 2_000;
const PORT_TRIES = 20;
const HEADER_BYTES = 12;

/**
 * Serves answers over UDP and TCP (RFC 1035, RFC 7766, RFC 6891). UDP answers over the client's size come truncated.
 * Rejects when the address cannot be listened on.
 */
export async function startDnsServer(options: DnsServerOptions): Promise<DnsServer> {
  const { host } = options;
  const { tcp, udp, port } = await listen(host, options.port);
  const sockets = new Set<Socket>();
  let inFlight = 0;
  let closed = false;

  async function onDatagram(data: Buffer, from: RemoteInfo): Promise<void> {
    // Nobody listens on port 0; a question from there is forged, and cannot be answered.
    if (inFlight >= MAX_UDP_IN_FLIGHT || from.port === 0 || closed) return;
    const passage = options.limit?.(from.address) ?? "answer";
    if (passage === "drop") return;
    const soon = passage === "truncate" ? truncated(data) : options.answerWire?.(data);
    if (soon) return void udp.send(soon, from.port, from.address);
    inFlight++;
    const reply = await respond(data, "udp", options).finally(() => inFlight--);
    if (reply && !closed) udp.send(reply, from.port, from.address, () => {});
  }
  udp.on("message", (data, from) => {
    onDatagram(data, from).catch((error: unknown) => options.onError?.(error));
  });
  udp.on("error", (error) => options.onError?.(error));

  tcp.maxConnections = MAX_TCP_CONNECTIONS;
  tcp.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    socket.setTimeout(TCP_IDLE_MS, () => socket.destroy());
    void serveTcp(socket, options);
  });

  return {
    host,
    port,
    async close() {
      closed = true;
      for (const socket of sockets) socket.destroy();
      await Promise.all([
        new Promise((done) => tcp.close(done)),
        new Promise<void>((done) => udp.close(() => done())),
      ]);
    },
  };
}

async function listen(host: string, port: number): Promise<{ tcp: Server; udp: UdpSocket; port: number }> {
  for (let attempt = 1; ; attempt++) {
    const tcp = createServer();
    tcp.listen(port, host);
    await once(tcp, "listening");
    const address = tcp.address();
    const bound = typeof address === "object" && address ? address.port : port;
    const udp = createSocket({
      type: host.includes(":") ? "udp6" : "udp4",
      // Answers go to addresses: there is no name to look up, and no turn to wait for.
      lookup: (address, _options, done) => done(null, address, isIP(address)),
    });
    try {
      // Without a name to look up it listens before `bind` returns.
      const listening = once(udp, "listening");
      udp.bind(bound, host);
      await listening;
      return { tcp, udp, port: bound };
    } catch (error) {
      udp.close();
      await new Promise((done) => tcp.close(done));
      if (port !== 0 || attempt === PORT_TRIES) throw error;
    }
  }
}

/** Answers the questions of one connection in order until it ends (two octets of length before each message). */
async function serveTcp(socket: Socket, options: DnsServerOptions): Promise<void> {
  let buffer: Buffer = Buffer.alloc(0);
  try {
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      buffer = Buffer.concat([buffer, chunk]);
      while (buffer.length >= 2 && buffer.length >= 2 + buffer.readUInt16BE(0)) {
        const end = 2 + buffer.readUInt16BE(0);
        const reply = await respond(buffer.subarray(2, end), "tcp", options);
        buffer = buffer.subarray(end);
        if (!reply) return void socket.destroy();
        await new Promise((sent) => socket.write(lengthPrefixed(reply), sent));
      }
    }
  } catch {
    socket.destroy();
  }
}

/** The reply to one message, or undefined when it deserves none. */
async function respond(
  data: Buffer,
  transport: "udp" | "tcp",
  options: DnsServerOptions,
): Promise<Buffer | undefined> {
  if (data.length < HEADER_BYTES || (data[2]! & 0x80) !== 0) return undefined;
  let query: DecodedPacket;
  try {
    query = decode(data);
  } catch {
    return headerOnly(data, RCODE.formerr);
  }
  const opcode = ((query.flags ?? 0) >> 11) & 0xf;
  if (opcode !== 0) return headerOnly(data, RCODE.notimp);
  const question = query.questions?.[0];
  if (!question || query.questions?.length !== 1) return headerOnly(data, RCODE.formerr);
  const opt = query.additionals?.find((record): record is OptAnswer => record.type === "OPT");
  if (opt && opt.ednsVersion !== 0) return answerPacket(query, question, opt, BAD_VERSION, transport);
  const reply = question.class === "IN" ? await ask(question, options) : REFUSED;
  return answerPacket(query, question, opt, reply, transport);
}

const REFUSED: DnsReply = { status: "refused", answers: [], authoritative: false };
const SERVFAIL: DnsReply = { status: "servfail", answers: [], authoritative: false };
const BAD_VERSION = "badvers";

async function ask(question: Question, options: DnsServerOptions): Promise<DnsReply> {
  try {
    return await options.answer({ name: canonicalName(question.name), type: question.type });
  } catch (error) {
    options.onError?.(error);
    return SERVFAIL;
  }
}

function answerPacket(
  query: DecodedPacket,
  question: Question,
  opt: OptAnswer | undefined,
  reply: DnsReply | typeof BAD_VERSION,
  transport: "udp" | "tcp",
): Buffer {
  const bad = reply === BAD_VERSION;
  const additionals = opt ? [edns({ dnssec: opt.flag_do, extendedRcode: bad ? 1 : 0 })] : [];
  const flags = query.flag_rd ? RECURSION_DESIRED : 0;
  const base = { type: "response" as const, id: query.id ?? 0, questions: [question], additionals };
  if (bad) return encode({ ...base, flags });

  const full =
    flags |
    statusCode(reply.status) |
    (reply.authoritative ? AUTHORITATIVE_ANSWER : 0) |
    (reply.authentic ? AUTHENTIC_DATA : 0);
  const limit = transport === "tcp" ? 65_535 : udpLimit(opt);
  const packet = encode({
    ...base,
    flags: full,
    answers: reply.answers.map(toAnswer),
    authorities: (reply.authority ?? []).map(toAnswer),
  });
  if (packet.length <= limit) return packet;
  if (transport === "tcp") return encode({ ...base, flags: flags | RCODE.servfail });
  return encode({ ...base, flags: full | TRUNCATED_RESPONSE });
}

function udpLimit(opt: OptAnswer | undefined): number {
  return opt ? Math.min(Math.max(opt.udpPayloadSize, 512), UDP_PAYLOAD) : 512;
}

function statusCode(status: DnsReply["status"]): number {
  return status === "ok" || status === "nodata" ? RCODE.noerror : RCODE[status];
}

/** The question back, without an answer (TC, RFC 2181 section 9); undefined for what is no question. */
function truncated(data: Buffer): Buffer | undefined {
  if (data.length < HEADER_BYTES || (data[2]! & 0xf8) !== 0 || data.readUInt16BE(4) !== 1) return undefined;
  let end = HEADER_BYTES;
  while (end < data.length && data[end]! > 0 && data[end]! < 64) end += data[end]! + 1;
  end += 5;
  if (end > data.length || data[end - 5] !== 0) return undefined;
  const reply = Buffer.from(data.subarray(0, end));
  reply.writeUInt16BE(0x8200 | (data.readUInt16BE(2) & 0x0100), 2);
  reply.fill(0, 6, HEADER_BYTES);
  return reply;
}

/** For what could not be read: the client's id and opcode, and the reason. */
function headerOnly(data: Buffer, rcode: number): Buffer {
  const reply = Buffer.alloc(HEADER_BYTES);
  reply.writeUInt16BE(data.readUInt16BE(0), 0);
  reply.writeUInt16BE(0x8000 | (data.readUInt16BE(2) & 0x7900) | rcode, 2);
  return reply;
}
