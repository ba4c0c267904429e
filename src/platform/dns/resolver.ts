import type { DnsAnswer, DnsRecordData, DnsType, Resolver } from "../../protocol/dns/index.ts";
import { exchange, type Fault, type Reply, type ServerAddress } from "./exchange.ts";
import type { DnsQuestion, DnsReply } from "./server.ts";
import { canonicalName, fromAnswer, isAskable, parseServer, RCODE, type DnsRecord } from "./wire.ts";

type ResolverOptions = {
  /** Recursive servers as `host:port`, asked in turn. */
  servers: readonly string[];
  /** Per try, over UDP; a truncated answer gets as long again over TCP. */
  timeoutMs?: number;
  tries?: number;
  /** Questions under way, and behind them; default 256 and 8,192. What is more is `temperror` at once. */
  mostAtOnce?: number;
  mostWaiting?: number;
};

const DEFAULT_TIMEOUT_MS = 3_000;
const DEFAULT_TRIES = 3;
const MAX_IN_FLIGHT = 256;
/** Beyond these a question is not asked: a resolver that is dead must not gather them without end. */
const MAX_WAITING = 8_192;
const CROWDED: Fault = { fault: "too many questions are waiting to be asked", kind: "network" };
const MAX_CNAMES = 16;

/**
 * Asks recursive servers over UDP with EDNS and the DO bit, over TCP when the answer is truncated. `authentic` is
 * their AD bit: point it at a validating resolver on this host, or read nothing into it. Nothing is cached here.
 * A name that no server can be asked for (a label over 63 octets, not ASCII) is `nxdomain`.
 */
export function createResolver(options: ResolverOptions): Resolver {
  const servers = options.servers.map(parseServer);
  if (servers.length === 0) throw new Error("A resolver needs at least one server: give host:port");
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const tries = options.tries ?? DEFAULT_TRIES;
  const gate = createGate(options.mostAtOnce ?? MAX_IN_FLIGHT, options.mostWaiting ?? MAX_WAITING);

  return {
    async resolve<T extends DnsType>(name: string, type: T): Promise<DnsAnswer<T>> {
      if (!isAskable(name)) return { status: "nxdomain", authentic: false };
      const asked = canonicalName(name);
      let detail = "";
      let kind: Fault["kind"] = "network";
      let server = servers[0]!;
      for (let attempt = 0; attempt < tries; attempt++) {
        server = servers[attempt % servers.length]!;
        const reply = (await gate(() => exchange(server, asked, type, timeoutMs))) ?? CROWDED;
        const answer = readAnswer(reply, asked, type);
        if (!("fault" in answer)) return answer;
        detail = `${server.host}:${server.port}: ${answer.fault}`;
        kind = answer.kind;
        if (reply === CROWDED) break;
      }
      if (kind === "servfail" && (await gate(() => isWithheld(server, asked, type, timeoutMs)))) {
        // Withheld, or there again after an outage: then it is given to those who ask with validation too.
        const reply = (await gate(() => exchange(server, asked, type, timeoutMs))) ?? CROWDED;
        const again = readAnswer(reply, asked, type);
        if (!("fault" in again)) return again;
        kind = again.kind === "servfail" ? "bogus" : again.kind;
      }
      return { status: "temperror", detail, kind };
    },
  };
}

/** Whether a server that answered SERVFAIL has the data when it need not validate them (RFC 4035 section 3.2.2). */
async function isWithheld(server: ServerAddress, name: string, type: string, timeoutMs: number) {
  const reply = await exchange(server, name, type, timeoutMs, true);
  return "rcode" in reply && (reply.rcode === RCODE.noerror || reply.rcode === RCODE.nxdomain);
}

/** Passes one question to another server and gives its answer as our own server would send it. Never rejects. */
export async function forwardQuestion(
  server: string,
  question: DnsQuestion,
  timeoutMs = DEFAULT_TIMEOUT_MS,
): Promise<DnsReply> {
  if (!isAskable(question.name)) return { status: "refused", answers: [], authoritative: false };
  const reply = await exchange(parseServer(server), question.name, question.type, timeoutMs);
  if ("fault" in reply) return { status: "servfail", answers: [], authoritative: false };
  const answers = (reply.packet.answers ?? []).flatMap((answer) => fromAnswer(answer) ?? []);
  const authority = (reply.packet.authorities ?? []).flatMap((answer) => fromAnswer(answer) ?? []);
  return {
    status: statusOf(reply.rcode, answers.length),
    answers,
    authority,
    authoritative: reply.packet.flag_aa,
  };
}

function statusOf(rcode: number, answers: number): DnsReply["status"] {
  if (rcode === RCODE.noerror) return answers > 0 ? "ok" : "nodata";
  if (rcode === RCODE.nxdomain) return "nxdomain";
  return rcode === RCODE.refused ? "refused" : "servfail";
}

function readAnswer<T extends DnsType>(reply: Reply, name: string, type: T): DnsAnswer<T> | Fault {
  if ("fault" in reply) return reply;
  const authentic = reply.packet.flag_ad;
  if (reply.rcode === RCODE.nxdomain) return { status: "nxdomain", authentic };
  if (reply.rcode !== RCODE.noerror) return faultOf(reply.rcode, reply.extendedErrors);
  const records = (reply.packet.answers ?? []).flatMap((answer) => fromAnswer(answer) ?? []);
  const found = recordsAt(records, name, type);
  if (!found) return { status: "nodata", authentic };
  const { owner } = found;
  return { status: "ok", records: found.records, authentic, ...(owner !== name && { canonical: owner }) };
}

/** RFC 8914: DNSSEC indeterminate or unsupported is no proof of forgery; from "bogus" to "NSEC missing" is. */
const BOGUS = new Set([6, 7, 8, 9, 10, 11, 12]);

function faultOf(rcode: number, extendedErrors: readonly number[]): Fault {
  const errors = extendedErrors.map((code) => `, extended error ${code}`).join("");
  const fault = `the server answered ${rcodeName(rcode)}${errors}`;
  if (rcode === RCODE.refused) return { fault, kind: "refused" };
  return { fault, kind: extendedErrors.some((code) => BOGUS.has(code)) ? "bogus" : "servfail" };
}

/** The records of `type` at the end of the chain of CNAMEs that begins at `name`. */
function recordsAt<T extends DnsType>(
  records: readonly DnsRecord[],
  name: string,
  type: T,
): { owner: string; records: (DnsRecordData[T] & { ttl: number })[] } | undefined {
  let owner = name;
  for (let hops = 0; hops < MAX_CNAMES; hops++) {
    const here = records.filter((record) => record.name === owner);
    const found = here.filter((record) => record.type === type);
    if (found.length > 0) {
      return {
        owner,
        records: found.map((record) => ({ ...(record.data as DnsRecordData[T]), ttl: record.ttl })),
      };
    }
    const alias = here.find((record) => record.type === "CNAME");
    if (!alias) return undefined;
    owner = alias.data.target;
  }
  return undefined;
}

function rcodeName(rcode: number): string {
  const known = Object.entries(RCODE).find(([, code]) => code === rcode);
  return known ? known[0].toUpperCase() : `rcode ${rcode}`;
}

/** Lets at most `limit` tasks run at once, and `most` wait their turn; undefined for more. */
function createGate(limit: number, most: number): <T>(task: () => Promise<T>) => Promise<T | undefined> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (task) => {
    if (running >= limit) {
      if (waiting.length >= most) return undefined;
      await new Promise<void>((go) => waiting.push(go));
    } else running++;
    try {
      return await task();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running--;
    }
  };
}
