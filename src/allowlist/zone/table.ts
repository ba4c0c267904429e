import { ipName, NEVER_LISTED, TEST_ADDRESSES, TEST_CODE, TEST_DOMAIN } from "./names.ts";
import { unquote, type ZoneRecord } from "./rfc1035.ts";

/** `code` a space `text`. One string a name keeps a million of them small. */
type Packed = string;

/**
 * A zone as it was read back from its file, ready to answer. Names are relative to the zone. `_vouch` is not held: it
 * says `transaction` of exactly the domains below `dwl`.
 */
export type ZoneTable = {
  zone: string;
  serial: number;
  /** The did:key that the zone announces. */
  key: string;
  soa: ZoneRecord;
  ns: ZoneRecord[];
  list: ZoneRecord;
  /** Below `dwl`, the test entry too. */
  domains: Map<string, Packed>;
  /** Below `ip`, reversed. */
  addresses: Map<string, Packed>;
  /** Names below `dwl` and `ip`, and these, that have records below them, but perhaps none of their own. */
  parents: Set<string>;
};

export const unpack = (packed: Packed): { code: string; text: string } => ({
  code: packed.slice(0, packed.indexOf(" ")),
  text: packed.slice(packed.indexOf(" ") + 1),
});

/** Whether a name, relative to the zone, has records below it: then it is there (RFC 8020). */
export function isParent({ domains, parents }: ZoneTable, name: string): boolean {
  if (name === "_vouch") return domains.size > 1;
  return parents.has(name.endsWith("._vouch") ? `${name.slice(0, -"._vouch".length)}.dwl` : name);
}

const CODES = {
  dwl: /^127\.0\.6\.[12]$/,
  ip: /^127\.0\.(3\.1|6\.1)$/,
};
const IP_NAME = /^(\d{1,3}(\.\d{1,3}){3}|[0-9a-f](\.[0-9a-f]){31})$/;

/**
 * Builds a table from records in the order of their file, and says what is wrong with them: a zone that has a fault
 * must not replace one that has none.
 */
export function createTableReader(zone: string) {
  let soa: ZoneRecord | undefined;
  let list: ZoneRecord | undefined;
  const ns: ZoneRecord[] = [];
  const domains = new Map<string, Packed>();
  const addresses = new Map<string, Packed>();
  const parents = new Set<string>(["dwl", "ip"]);
  let vouched = 0;
  let last: { name: string; code: string } | undefined;
  const below = `.${zone}`;

  function addParents(name: string): void {
    for (let at = name.indexOf(".") + 1; at > 0; at = name.indexOf(".", at) + 1) {
      const parent = name.slice(at);
      if (parents.has(parent)) return;
      parents.add(apart(parent));
    }
  }

  function addText(name: string, text: string): string | undefined {
    const code = last?.name === name ? last.code : undefined;
    last = undefined;
    if (code === undefined) return `${name} has a text and no address before it`;
    const [kind, bare] = split(name);
    if (kind === undefined) return `${name} is of no kind that the list has`;
    const test = code === TEST_CODE;
    if (!test && !CODES[kind].test(code)) return `${name} has the code ${code}`;
    if (kind === "ip" && !IP_NAME.test(bare)) return `${name} is not one whole address`;
    const into = kind === "dwl" ? domains : addresses;
    if (into.has(bare)) return `${name} is there twice`;
    into.set(apart(bare), apart(`${code} ${text}`));
    addParents(name);
    return undefined;
  }

  return {
    /** What is wrong with this record; undefined when nothing is. */
    add(record: ZoneRecord): string | undefined {
      const { name, type, data } = record;
      if (name.includes("*")) return `${name} is a wildcard`;
      if (!soa) {
        if (type !== "SOA" || name !== zone) return "the zone does not begin with its SOA";
        soa = record;
        return undefined;
      }
      if (name === zone) {
        if (type !== "NS") return `${name} has a ${type} record where none belongs`;
        ns.push(record);
        return undefined;
      }
      if (!name.endsWith(below)) return `${name} is outside the zone`;
      const relative = name.slice(0, -below.length);
      if (relative === "_list" && type === "TXT") {
        list = record;
        return undefined;
      }
      if (type === "A") {
        last = { name: relative, code: data };
        return undefined;
      }
      if (type !== "TXT") return `${name} has a ${type} record where none belongs`;
      if (relative.endsWith("._vouch")) {
        vouched++;
        if (unquote(data) !== "transaction" || !domains.has(relative.slice(0, -"._vouch".length)))
          return `${name} vouches for what is not listed`;
        return undefined;
      }
      return addText(relative, unquote(data));
    },

    /** The table, or what is missing. `entries`: how many domains and addresses there must be. */
    finish(entries: number): { ok: true; table: ZoneTable } | { ok: false; why: string } {
      const fault = missing(entries);
      if (fault !== undefined) return { ok: false, why: fault };
      return {
        ok: true,
        table: {
          zone,
          serial: Number(soa!.data.split(" ")[2]),
          key: keyIn(list!),
          soa: soa!,
          ns,
          list: list!,
          domains,
          addresses,
          parents,
        },
      };
    },
  };

  function missing(entries: number): string | undefined {
    if (!soa) return "the zone is empty";
    if (ns.length === 0) return "the zone has no NS";
    if (!list) return "the zone does not say by which key it is signed";
    const tests = [
      domains.get(TEST_DOMAIN),
      ...TEST_ADDRESSES.map((address) => addresses.get(ipName(address).slice(0, -3))),
    ];
    if (tests.some((packed) => packed === undefined || unpack(packed).code !== TEST_CODE))
      return "a test entry is missing (RFC 5782 section 5)";
    for (const name of NEVER_LISTED) {
      const [kind, bare] = split(name);
      if ((kind === "dwl" ? domains : addresses).has(bare))
        return `${name} is listed, which RFC 5782 forbids`;
    }
    const listed = domains.size + addresses.size - tests.length;
    if (listed !== entries) return `the zone has ${listed} entries, the list ${entries}`;
    if (vouched !== domains.size - 1) return `${vouched} of ${domains.size - 1} domains are vouched for`;
    return undefined;
  }
}

/** The same text in memory of its own: a slice would keep all that was read with it. */
const apart = (text: string): string => Buffer.from(text, "latin1").toString("latin1");

function split(name: string): ["dwl" | "ip", string] | [undefined, string] {
  if (name.endsWith(".dwl")) return ["dwl", name.slice(0, -4)];
  if (name.endsWith(".ip")) return ["ip", name.slice(0, -3)];
  return [undefined, name];
}

function keyIn(list: ZoneRecord): string {
  return /\bkey=(did:key:\w+)/.exec(unquote(list.data))?.[1] ?? "";
}

const only = (packed: Map<string, Packed>) =>
  new Map([...packed].filter(([, value]) => unpack(value).code === TEST_CODE));

/** The same zone without what it lists: only that it is there can still be said. */
export function testOnly(table: ZoneTable): ZoneTable {
  const addresses = only(table.addresses);
  const parents = new Set(["dwl", "ip"]);
  for (const name of addresses.keys())
    for (let at = name.indexOf(".") + 1; at > 0; at = name.indexOf(".", at) + 1)
      parents.add(`${name.slice(at)}.ip`);
  return { ...table, domains: only(table.domains), addresses, parents };
}
