import { randomInt } from "node:crypto";
import { createSocket } from "node:dgram";
import { createConnection, isIPv6 } from "node:net";
import { decode, encode, AUTHENTIC_DATA, CHECKING_DISABLED, RECURSION_DESIRED } from "dns-packet";
import type { DecodedPacket, OptAnswer, RecordType } from "dns-packet";
import type { DnsFault } from "../../protocol/dns/index.ts";
import { canonicalName, edns } from "./wire.ts";

export type ServerAddress = { host: string; port: number };
/** A reply that belongs to the question, with the whole code of RFC 6891 section 6.1.3; or why there is none. */
export type Reply = { packet: DecodedPacket; rcode: number; extendedErrors: number[] } | Fault;
export type Fault = { fault: string; kind: DnsFault };

type Query = { id: number; name: string; type: string; packet: Buffer };

/**
 * Asks one server one question: over UDP with EDNS and the DO bit, and again over TCP when the answer is truncated,
 * `timeoutMs` each. `name` is lower case and askable. `unchecked` sets the CD bit: a validating server then gives
 * what it would withhold. Never rejects.
 */
export async function exchange(
  server: ServerAddress,
  name: string,
  type: string,
  timeoutMs: number,
  unchecked = false,
): Promise<Reply> {
  const query = newQuery(name, type, unchecked);
  const first = await askUdp(server, query, timeoutMs);
  const packet = "fault" in first || !first.flag_tc ? first : await askTcp(server, query, timeoutMs);
  if ("fault" in packet) return packet;
  if (packet.flag_tc) return { fault: "truncated even over TCP", kind: "network" };
  const opt = packet.additionals?.find((record): record is OptAnswer => record.type === "OPT");
  return {
    packet,
    rcode: ((packet.flags ?? 0) & 0xf) | ((opt?.extendedRcode ?? 0) << 4),
    extendedErrors: opt ? extendedErrors(opt) : [],
  };
}

const EXTENDED_ERROR = 15;

/** The codes of the extended DNS errors in a reply (RFC 8914 section 2). */
function extendedErrors(opt: OptAnswer): number[] {
  return opt.options.flatMap((option) => {
    const code: number = option.code;
    const data: unknown = "data" in option ? option.data : undefined;
    return code === EXTENDED_ERROR && Buffer.isBuffer(data) && data.length >= 2 ? [data.readUInt16BE(0)] : [];
  });
}

function newQuery(name: string, type: string, unchecked: boolean): Query {
  const id = randomInt(0x1_0000);
  const packet = encode({
    type: "query",
    id,
    flags: RECURSION_DESIRED | AUTHENTIC_DATA | (unchecked ? CHECKING_DISABLED : 0),
    questions: [{ name, type: type as RecordType }],
    additionals: [edns({ dnssec: true })],
  });
  return { id, name, type, packet };
}

/** The decoded reply when it belongs to this query, otherwise undefined. */
function accept(data: Buffer, query: Query): DecodedPacket | undefined {
  try {
    const packet = decode(data);
    const question = packet.questions?.[0];
    const ours =
      packet.flag_qr &&
      packet.id === query.id &&
      packet.questions?.length === 1 &&
      question?.type === query.type &&
      canonicalName(question.name) === query.name;
    return ours ? packet : undefined;
  } catch {
    return undefined;
  }
}

/** One datagram from a socket of its own, so from a random port; what does not belong to the query is passed over. */
function askUdp(server: ServerAddress, query: Query, timeoutMs: number): Promise<DecodedPacket | Fault> {
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6(server.host) ? "udp6" : "udp4");
    const timer = setTimeout(
      () => finish({ fault: `no answer within ${timeoutMs} ms`, kind: "timeout" }),
      timeoutMs,
    );
    let finished = false;
    function finish(result: DecodedPacket | Fault): void {
      if (finished) return;
      finished = true;
      clearTimeout(timer);
      socket.close();
      resolve(result);
    }
    socket.on("error", (error) => finish({ fault: error.message, kind: "network" }));
    socket.on("message", (data) => {
      const packet = accept(data, query);
      if (packet) finish(packet);
    });
    socket.connect(server.port, server.host, () => {
      if (!finished)
        socket.send(query.packet, (error) => error && finish({ fault: error.message, kind: "network" }));
    });
  });
}

function askTcp(server: ServerAddress, query: Query, timeoutMs: number): Promise<DecodedPacket | Fault> {
  return new Promise((resolve) => {
    const socket = createConnection(server);
    const timer = setTimeout(
      () => finish({ fault: `no TCP answer within ${timeoutMs} ms`, kind: "timeout" }),
      timeoutMs,
    );
    let received: Buffer = Buffer.alloc(0);
    function finish(result: DecodedPacket | Fault): void {
      clearTimeout(timer);
      socket.destroy();
      resolve(result);
    }
    socket.on("error", (error) => finish({ fault: error.message, kind: "network" }));
    socket.on("close", () => finish({ fault: "the server closed the TCP connection", kind: "network" }));
    socket.on("connect", () => socket.write(lengthPrefixed(query.packet)));
    socket.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return;
      const packet = accept(received.subarray(2, 2 + received.readUInt16BE(0)), query);
      finish(packet ?? { fault: "the TCP answer belongs to another question", kind: "network" });
    });
  });
}

/** A message as it stands in a TCP stream (RFC 1035 section 4.2.2). */
export function lengthPrefixed(packet: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(packet.length);
  return Buffer.concat([length, packet]);
}
