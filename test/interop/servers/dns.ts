import { createSocket, type RemoteInfo } from "node:dgram";
import { createServer, type Socket } from "node:net";
import packet, { type Answer, type Packet, type Question } from "dns-packet";
import type { Address, Server } from "./process.ts";

export interface DnsServer extends Server, Address {
  /** Adds records; a name's records of one type are replaced by the new ones. */
  set(...records: Answer[]): void;
  remove(name: string, type?: Answer["type"]): void;
  /** Every question asked so far, oldest first. */
  readonly questions: Question[];
}

const AUTHORITATIVE = 1 << 10;
const TRUNCATED = 1 << 9;
const NXDOMAIN = 3;

const key = (name: string) => name.toLowerCase().replace(/\.$/, "");

/** A small authoritative server over UDP and TCP on one loopback port: every name it is given, no wildcards. */
export async function startDns(records: Answer[] = [], host = "127.0.0.1"): Promise<DnsServer> {
  const zone = new Map<string, Answer[]>();
  const questions: Question[] = [];
  const set = (...added: Answer[]) => {
    for (const type of new Set(added.map((record) => record.type))) {
      const same = added.filter((record) => record.type === type);
      for (const name of new Set(same.map((record) => key(record.name)))) {
        const kept = (zone.get(name) ?? []).filter((record) => record.type !== type);
        zone.set(name, [...kept, ...same.filter((record) => key(record.name) === name)]);
      }
    }
  };
  const remove = (name: string, type?: Answer["type"]) => {
    const kept =
      type === undefined ? [] : (zone.get(key(name)) ?? []).filter((record) => record.type !== type);
    if (kept.length === 0) zone.delete(key(name));
    else zone.set(key(name), kept);
  };
  const exists = (name: string) =>
    zone.has(name) || [...zone.keys()].some((known) => known.endsWith(`.${name}`));

  const lookUp = (name: string, type: string, depth = 0): Answer[] => {
    const at = zone.get(key(name)) ?? [];
    const exact = at.filter((record) => record.type === type);
    const alias = at.find((record) => record.type === "CNAME");
    if (exact.length > 0 || alias === undefined || type === "CNAME" || depth > 8) return exact;
    return [alias, ...lookUp(String("data" in alias ? alias.data : ""), type, depth + 1)];
  };

  const answer = (query: Buffer, limit: number): Buffer | undefined => {
    let asked: Packet;
    try {
      asked = packet.decode(query);
    } catch {
      return undefined;
    }
    const question = asked.questions?.[0];
    if (question === undefined) return undefined;
    questions.push(question);
    const answers = lookUp(question.name, question.type);
    const response: Packet = {
      type: "response",
      id: asked.id ?? 0,
      flags: AUTHORITATIVE | (exists(key(question.name)) ? 0 : NXDOMAIN),
      questions: [question],
      answers,
    };
    const encoded = packet.encode(response);
    if (encoded.length <= limit) return encoded;
    return packet.encode({ ...response, flags: AUTHORITATIVE | TRUNCATED, answers: [] });
  };

  set(...records);
  const tcp = createServer((socket) => serveTcp(socket, (query) => answer(query, 65_535)));
  const udp = createSocket("udp4");
  udp.on("message", (query: Buffer, peer: RemoteInfo) => {
    const response = answer(query, 1232);
    if (response !== undefined) udp.send(response, peer.port, peer.address);
  });
  await new Promise<void>((resolve) => tcp.listen(0, host, resolve));
  const address = tcp.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  await new Promise<void>((resolve, reject) => {
    udp.once("error", reject);
    udp.bind(address.port, host, resolve);
  });
  const stop = async () => {
    await new Promise<void>((resolve) => udp.close(() => resolve()));
    await new Promise((resolve) => tcp.close(resolve));
  };
  return { host, port: address.port, set, remove, questions, stop, [Symbol.asyncDispose]: stop };
}

/** Length-prefixed messages (RFC 1035 section 4.2.2), at most one megabyte buffered. */
function serveTcp(socket: Socket, answer: (query: Buffer) => Buffer | undefined): void {
  let buffered = Buffer.alloc(0);
  socket.on("error", () => socket.destroy());
  socket.setTimeout(5000, () => socket.destroy());
  socket.on("data", (chunk) => {
    buffered = Buffer.concat([buffered, Buffer.from(chunk)]);
    if (buffered.length > 1_000_000) socket.destroy();
    while (buffered.length >= 2 && buffered.length >= 2 + buffered.readUInt16BE(0)) {
      const end = 2 + buffered.readUInt16BE(0);
      const response = answer(buffered.subarray(2, end));
      buffered = buffered.subarray(end);
      if (response === undefined) continue;
      const length = Buffer.alloc(2);
      length.writeUInt16BE(response.length);
      socket.write(Buffer.concat([length, response]));
    }
  });
}
