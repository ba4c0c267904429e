import { NEGATIVE_TTL, SOA, TTL } from "./names.ts";
import { isParent, unpack, type ZoneTable } from "./table.ts";

const HEADER = 12;
const [A, TXT, OPT] = [1, 16, 41];
/** Those that the tables say all about: records of the type, or that there are none. */
const PLAIN_TYPES = new Set([A, 5, 15, TXT, 28, 33, 65]);
const IN = 1;
const OWN_PAYLOAD = 1_232;
const NXDOMAIN = 3;

/**
 * Answers the questions that mail servers ask, from octets to octets: one question for A, TXT or a type that is never
 * there, with or without EDNS. Undefined for everything else, which the general server answers; where both answer they
 * say the same.
 */
export function wireAnswers(table: ZoneTable): (query: Buffer) => Buffer | undefined {
  const { zone } = table;
  const below = `.${zone}`;
  const soa = soaRecord(table);
  const vouch = txtRecord("transaction");

  /** Records of a type as octets, behind a pointer to the question's name; undefined when the name has none at all. */
  function lookUp(relative: string, type: number): Buffer | null | undefined {
    if (relative.endsWith("._vouch")) {
      const domain = relative.slice(0, -7);
      if (!domain.includes(".") || !table.domains.has(domain)) return undefined;
      return type === TXT ? vouch : null;
    }
    const packed = relative.endsWith(".dwl")
      ? table.domains.get(relative.slice(0, -4))
      : relative.endsWith(".ip")
        ? table.addresses.get(relative.slice(0, -3))
        : undefined;
    if (packed === undefined) return undefined;
    if (type !== A && type !== TXT) return null;
    const { code, text } = unpack(packed);
    return type === A ? aRecord(code) : txtRecord(text);
  }

  return (query) => {
    const asked = readQuestion(query);
    if (!asked || !PLAIN_TYPES.has(asked.type) || !asked.name.endsWith(below)) return undefined;
    const relative = asked.name.slice(0, -below.length);
    if (relative === "_list") return undefined;
    const found = lookUp(relative, asked.type);
    const isThere = found !== undefined || isParent(table, relative);
    const length = asked.end + (found ?? soa).length + (asked.edns ? 11 : 0);
    if (length > (asked.edns ? Math.min(Math.max(asked.edns.payload, 512), OWN_PAYLOAD) : 512))
      return undefined;
    const reply = Buffer.allocUnsafe(length);
    query.copy(reply, 0, 0, asked.end);
    reply[2] = 0x84 | (query[2]! & 0x01);
    reply[3] = isThere ? 0 : NXDOMAIN;
    reply.writeUInt16BE(found ? 1 : 0, 6);
    reply.writeUInt16BE(found ? 0 : 1, 8);
    reply.writeUInt16BE(asked.edns ? 1 : 0, 10);
    (found ?? soa).copy(reply, asked.end);
    if (asked.edns) writeOpt(reply, length - 11, asked.edns.isSigned);
    return reply;
  };
}

type Asked = {
  name: string;
  type: number;
  end: number;
  edns: { payload: number; isSigned: boolean } | undefined;
};

/** Undefined where anything is not as nearly all questions are. `name` in lower case, without a final dot. */
function readQuestion(query: Buffer): Asked | undefined {
  // QR, opcode and TC clear; one question, no answers and no authority, at most one additional record.
  if (query.length < HEADER + 5 || (query[2]! & 0xfa) !== 0) return undefined;
  if (query.readUInt32BE(4) !== 0x00010000 || query.readUInt16BE(8) !== 0 || query.readUInt16BE(10) > 1)
    return undefined;
  let at = HEADER;
  let name = "";
  for (;;) {
    const length = query[at]!;
    if (length === 0) break;
    const next = at + 1 + length;
    if (length > 63 || next >= query.length || next - HEADER > 254) return undefined;
    name += `${name === "" ? "" : "."}${query.toString("latin1", at + 1, next)}`;
    at = next;
  }
  // A dot or a backslash in a label, or an octet that is no ASCII, is read by others in ways of their own.
  if (!/^[\w.-]+$/.test(name) || name.split(".").length !== labelsIn(query, at)) return undefined;
  const end = at + 5;
  if (end > query.length || query.readUInt16BE(at + 3) !== IN) return undefined;
  const edns = query[11] === 1 ? readOpt(query, end) : undefined;
  if (query[11] === 1 ? !edns : end !== query.length) return undefined;
  return { name: name.toLowerCase(), type: query.readUInt16BE(at + 1), end, edns };
}

function labelsIn(query: Buffer, end: number): number {
  let labels = 0;
  for (let at = HEADER; at < end; at += query[at]! + 1) labels++;
  return labels;
}

/** An OPT record of version 0 that ends the message (RFC 6891 section 6.1.2). */
function readOpt(query: Buffer, at: number): Asked["edns"] {
  if (at + 11 > query.length || query[at] !== 0 || query.readUInt16BE(at + 1) !== OPT) return undefined;
  if (query[at + 6] !== 0 || at + 11 + query.readUInt16BE(at + 9) !== query.length) return undefined;
  return { payload: query.readUInt16BE(at + 3), isSigned: (query[at + 7]! & 0x80) !== 0 };
}

function writeOpt(reply: Buffer, at: number, isSigned: boolean): void {
  reply.fill(0, at, at + 11);
  reply.writeUInt16BE(OPT, at + 1);
  reply.writeUInt16BE(OWN_PAYLOAD, at + 3);
  if (isSigned) reply[at + 7] = 0x80;
}

/** Behind a pointer to the name of the question (RFC 1035 section 4.1.4). */
function record(type: number, data: Buffer): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt16BE(0xc000 | HEADER, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt16BE(IN, 4);
  head.writeUInt32BE(TTL, 6);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}

const aRecord = (code: string) => record(A, Buffer.from(code.split(".").map(Number)));

function txtRecord(text: string): Buffer {
  const bytes = Buffer.from(text);
  const strings: Buffer[] = [];
  for (let at = 0; at === 0 || at < bytes.length; at += 255) {
    const part = bytes.subarray(at, at + 255);
    strings.push(Buffer.of(part.length), part);
  }
  return record(TXT, Buffer.concat(strings));
}

/** The SOA of a negative answer, under the zone's own name (RFC 2308 section 3). */
function soaRecord({ zone, soa }: ZoneTable): Buffer {
  const [mname = "", rname = "", serial = "0"] = soa.data.split(" ");
  const numbers = Buffer.alloc(20);
  [Number(serial), SOA.refresh, SOA.retry, SOA.expire, NEGATIVE_TTL].forEach((value, i) =>
    numbers.writeUInt32BE(value, i * 4),
  );
  const data = Buffer.concat([nameBytes(mname), nameBytes(rname), numbers]);
  const head = Buffer.alloc(10);
  head.writeUInt16BE(6, 0);
  head.writeUInt16BE(IN, 2);
  head.writeUInt32BE(TTL, 4);
  head.writeUInt16BE(data.length, 8);
  return Buffer.concat([nameBytes(zone), head, data]);
}

function nameBytes(name: string): Buffer {
  const labels = name.replace(/\.$/, "").split(".");
  return Buffer.concat([
    ...labels.flatMap((label) => [Buffer.of(label.length), Buffer.from(label)]),
    Buffer.of(0),
  ]);
}
