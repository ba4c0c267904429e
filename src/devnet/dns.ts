import { canonicalName, forwardQuestion, startDnsServer } from "../platform/dns/index.ts";
import type { DnsQuestion, DnsRecord, DnsReply, DnsServer } from "../platform/dns/index.ts";
import type { DnsRecordData, DnsType } from "../protocol/dns/index.ts";

const TTL_S = 60;
const MAX_CNAMES = 8;

/** The authoritative data of the sandbox, editable while it is served. Names may be given in any case. */
export interface Zones {
  /** Makes a zone with SOA, NS and the address of `ns.`, if it is not there yet. `test` is there from the start. */
  addZone(name: string): void;
  /** Replaces what stands at `name` for `type`; no data removes it. Throws outside every zone, or beside a CNAME. */
  set<T extends DnsType>(name: string, type: T, ...data: DnsRecordData[T][]): void;
  add<T extends DnsType>(name: string, type: T, ...data: DnsRecordData[T][]): void;
  /** Everything at or below `name`, in order of the names. */
  list(name: string): DnsRecord[];
  /** Questions at or below `name` go to another authoritative server, `host:port`; undefined ends that. */
  forward(name: string, server: string | undefined): void;
  /** While failing, questions at or below `name` get SERVFAIL. */
  fail(name: string, failing: boolean): void;
  /** Answers from at or below `name` are given as validated ones, as if its zone were signed. */
  sign(name: string): void;
  /** Follows CNAMEs through all zones and forwards, as a recursive server would for its clients. */
  answer(question: DnsQuestion): Promise<DnsReply>;
}

export function createZones(): Zones {
  const records = new Map<string, DnsRecord[]>();
  const apexes = new Set<string>();
  const forwards = new Map<string, string>();
  const failing = new Set<string>();
  const signed = new Set<string>();

  function addZone(zone: string): void {
    const name = canonicalName(zone);
    if (apexes.has(name)) return;
    apexes.add(name);
    const soa = { mname: `ns.${name}`, rname: `hostmaster.${name}`, serial: 1, minimum: TTL_S };
    put(name, "SOA", [soa]);
    put(name, "NS", [{ target: `ns.${name}` }]);
    put(`ns.${name}`, "A", [{ address: "127.0.0.1" }]);
  }

  function put<T extends DnsType>(name: string, type: T, data: DnsRecordData[T][]): void {
    const others = (records.get(name) ?? []).filter((record) => record.type !== type);
    const added = data.map((one) => ({ name, type, ttl: TTL_S, data: one }) as unknown as DnsRecord);
    const all = [...others, ...added];
    if (all.length > 1 && all.some((record) => record.type === "CNAME")) {
      throw new Error(
        `${name}: a CNAME stands alone at its name (RFC 1034 section 3.6.2); remove one of them`,
      );
    }
    if (all.length === 0) records.delete(name);
    else records.set(name, all);
  }

  function set<T extends DnsType>(at: string, type: T, ...data: DnsRecordData[T][]): void {
    const name = canonicalName(at);
    const apex = closest(name, apexes);
    if (!apex) throw new Error(`${name} is in no zone of the sandbox: call addZone first`);
    put(name, type, data);
    bumpSerial(apex);
  }

  function bumpSerial(apex: string): void {
    for (const record of records.get(apex) ?? []) {
      if (record.type === "SOA") record.data = { ...record.data, serial: record.data.serial + 1 };
    }
  }

  function below(name: string): string[] {
    return [...records.keys()].filter((other) => within(other, name));
  }

  /** What `*` says of a name that does not exist, below the closest that does (RFC 4592). */
  function fromWildcard(name: string): DnsRecord[] | undefined {
    if (below(name).length > 0) return undefined;
    for (let at = name.indexOf("."); at >= 0; at = name.indexOf(".", at + 1)) {
      const parent = name.slice(at + 1);
      const found = records.get(`*.${parent}`);
      if (found) return found.map((record) => ({ ...record, name }));
      if (below(parent).length > 0) return undefined;
    }
    return undefined;
  }

  /** The answer for exactly this name, CNAMEs not followed. */
  async function lookUp({ name, type }: DnsQuestion): Promise<DnsReply> {
    if (closest(name, failing)) return { status: "servfail", answers: [], authoritative: false };
    const apex = closest(name, apexes);
    const delegated = closest(name, forwards.keys());
    if (delegated && (!apex || delegated.length >= apex.length)) {
      return forwardQuestion(forwards.get(delegated)!, { name, type });
    }
    if (!apex) return { status: "refused", answers: [], authoritative: false };
    const here = records.get(name) ?? fromWildcard(name) ?? [];
    const answers = here.filter((r) => r.type === type || r.type === "CNAME" || type === "ANY");
    if (answers.length > 0) return { status: "ok", answers, authoritative: true };
    const authority = (records.get(apex) ?? []).filter((record) => record.type === "SOA");
    const exists = here.length > 0 || below(name).length > 0 || hasBelow(forwards.keys(), name);
    return { status: exists ? "nodata" : "nxdomain", answers: [], authority, authoritative: true };
  }

  async function answer(question: DnsQuestion): Promise<DnsReply> {
    const { type } = question;
    const answers: DnsRecord[] = [];
    let name = canonicalName(question.name);
    let authoritative: boolean | undefined;
    for (let hops = 0; hops <= MAX_CNAMES; hops++) {
      const reply = await lookUp({ name, type });
      authoritative ??= reply.authoritative;
      if (hops > 0 && reply.status === "refused") return { status: "ok", answers, authoritative };
      answers.push(...reply.answers);
      const end = chainEnd(reply.answers, name);
      const followed = end === name || type === "CNAME" || type === "ANY" || reply.status !== "ok";
      if (followed || reply.answers.some((record) => record.name === end)) {
        const status = reply.status === "nodata" && answers.length > 0 ? "ok" : reply.status;
        return { ...reply, status, answers, authoritative };
      }
      name = end;
    }
    return { status: "servfail", answers: [], authoritative: false };
  }

  function isSigned(name: string, { answers }: DnsReply): boolean {
    return [name, ...answers.map((record) => record.name)].every((one) => closest(one, signed) !== undefined);
  }

  addZone("test");
  return {
    addZone,
    set,
    add(at, type, ...data) {
      const there = (records.get(canonicalName(at)) ?? []).filter((record) => record.type === type);
      set(at, type, ...there.map((record) => record.data as (typeof data)[number]), ...data);
    },
    list: (name) =>
      below(canonicalName(name))
        .sort()
        .flatMap((owner) => records.get(owner) ?? []),
    forward(name, server) {
      if (server) forwards.set(canonicalName(name), server);
      else forwards.delete(canonicalName(name));
    },
    fail(name, on) {
      if (on) failing.add(canonicalName(name));
      else failing.delete(canonicalName(name));
    },
    sign: (name) => void signed.add(canonicalName(name)),
    async answer(question) {
      const reply = await answer(question);
      return isSigned(canonicalName(question.name), reply) ? { ...reply, authentic: true } : reply;
    },
  };
}

/** Serves `zones` over UDP and TCP; port 0 picks one. */
export function startDevnetDns(options: { zones: Zones; host: string; port: number }): Promise<DnsServer> {
  const { zones, host, port } = options;
  return startDnsServer({ host, port, answer: (question) => zones.answer(question) });
}

function within(name: string, zone: string): boolean {
  return name === zone || name.endsWith(`.${zone}`);
}

function hasBelow(names: Iterable<string>, name: string): boolean {
  return [...names].some((other) => within(other, name));
}

/** The longest of `zones` that `name` is in. */
function closest(name: string, zones: Iterable<string>): string | undefined {
  let best: string | undefined;
  for (const zone of zones) {
    if (within(name, zone) && zone.length >= (best?.length ?? 0)) best = zone;
  }
  return best;
}

function chainEnd(records: readonly DnsRecord[], name: string): string {
  let end = name;
  for (let hops = 0; hops <= MAX_CNAMES; hops++) {
    const alias = records.find((record) => record.name === end && record.type === "CNAME");
    if (alias?.type !== "CNAME") break;
    end = alias.data.target;
  }
  return end;
}
