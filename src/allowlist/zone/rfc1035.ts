import { isAddressKey } from "../store.ts";
import {
  ipName,
  listText,
  NEGATIVE_TTL,
  SOA,
  TEST_ADDRESSES,
  TEST_CODE,
  TEST_DOMAIN,
  TEST_TEXT,
  TTL,
  type ZoneEntry,
  type ZoneHead,
} from "./names.ts";

/**
 * The head of a zone in RFC 1035 section 5 text, one record a line, absolute names: Knot, NSD, BIND and PowerDNS read
 * it as it is.
 */
export function zoneHead(head: ZoneHead): string {
  const { zone, nameServers, serial } = head;
  const [primary] = nameServers;
  const { refresh, retry, expire } = SOA;
  return [
    `${zone}. ${TTL} IN SOA ${primary}. hostmaster.${zone}. ${serial} ${refresh} ${retry} ${expire} ${NEGATIVE_TTL}`,
    ...nameServers.map((name) => `${zone}. ${TTL} IN NS ${name}.`),
    `_list.${zone}. ${TTL} IN TXT ${quoted(listText(head))}`,
    ...[`${TEST_DOMAIN}.dwl`, ...TEST_ADDRESSES.map(ipName)].map((name) =>
      listing(`${name}.${zone}.`, TEST_CODE, TEST_TEXT),
    ),
    "",
  ].join("\n");
}

export function zoneLines({ key, code, text }: ZoneEntry, zone: string): string {
  if (isAddressKey(key)) return `${listing(`${ipName(key.slice(1, -1))}.${zone}.`, code, text)}\n`;
  return `${listing(`${key}.dwl.${zone}.`, code, text)}\n${key}._vouch.${zone}. ${TTL} IN TXT "transaction"\n`;
}

function listing(name: string, code: string, text: string): string {
  return `${name} ${TTL} IN A ${code}\n${name} ${TTL} IN TXT ${quoted(text)}`;
}

/** Character-strings of at most 255 octets (RFC 1035 section 3.3). */
function quoted(text: string): string {
  if (text.length <= 255 && !/[^\x20-\x7e]|["\\]/.test(text)) return `"${text}"`;
  const safe = text.replace(/[^\x20-\x7e]/g, "?").replace(/["\\]/g, "?");
  return (safe.match(/.{1,255}/g) ?? [""]).map((part) => `"${part}"`).join(" ");
}

const WRITTEN = `${TTL} IN `;

export type ZoneRecord = { name: string; ttl: number; type: "SOA" | "NS" | "A" | "TXT"; data: string };

const NAME = /^[a-z0-9._-]{1,254}$/;
const TYPES: readonly ZoneRecord["type"][] = ["A", "TXT", "SOA", "NS"];

/** Reads back one line of what is written here, and nothing else. */
export function readZoneLine(line: string): ZoneRecord | undefined {
  const dot = line.indexOf(". ");
  const name = line.slice(0, dot);
  if (dot < 1 || !NAME.test(name) || !line.startsWith(WRITTEN, dot + 2)) return undefined;
  const at = dot + 2 + WRITTEN.length;
  const type = TYPES.find((one) => line.startsWith(one, at) && line[at + one.length] === " ");
  const data = type && line.slice(at + type.length + 1);
  return type && data ? { name, ttl: TTL, type, data } : undefined;
}

export function unquote(data: string): string {
  if (data.indexOf('"', 1) === data.length - 1) return data.slice(1, -1);
  return [...data.matchAll(/"([^"]*)"/g)].map((match) => match[1]!).join("");
}
