import {
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

/** Where nothing newer comes for so long, rbldnsd answers SERVFAIL rather than lies. */
const EXPIRES_MS = 24 * 3_600_000;

/** The beginning of a `combined` data set for rbldnsd; the parts follow. `writtenAt` in ms since the epoch. */
export function rbldnsdHead(head: ZoneHead, writtenAt: number): string {
  const { zone, nameServers, serial } = head;
  const { refresh, retry, expire } = SOA;
  return [
    // Without the time of writing: a server whose clock is behind would refuse the file.
    `$TIMESTAMP 0 ${stamp(writtenAt + EXPIRES_MS)}`,
    `$SOA ${TTL} ${nameServers[0]} hostmaster.${zone} ${serial} ${refresh} ${retry} ${expire} ${NEGATIVE_TTL}`,
    `$NS ${TTL} ${nameServers.join(" ")}`,
    `$TTL ${TTL}`,
    "",
  ].join("\n");
}

const isSix = ({ key }: ZoneEntry) => key.includes(":");
const bare = (key: string) => key.slice(1, -1);
const test = (name: string) => `${name} :${TEST_CODE}:${TEST_TEXT}`;
const addressLine = ({ key, code, text }: ZoneEntry) => `${bare(key)} :${code}:${plain(text)}\n`;

/** The data sets in their order: of addresses, each with those that it takes, of domains, and of domains that are vouched for. */
export function rbldnsdParts(head: ZoneHead) {
  const [four, six] = TEST_ADDRESSES as [string, string];
  return {
    addresses: [
      {
        head: `$DATASET ip4trie:ip4 ip\n$TTL ${TTL}\n${test(four)}\n`,
        takes: (entry: ZoneEntry) => !isSix(entry),
        line: addressLine,
      },
      {
        head: `$DATASET ip6trie:ip6 ip\n$TTL ${TTL}\n${test(six)}\n`,
        takes: isSix,
        line: addressLine,
      },
    ],
    domains: {
      head: `$DATASET dnset:dwl dwl\n$TTL ${TTL}\n${test(TEST_DOMAIN)}\n`,
      line: ({ key, code, text }: ZoneEntry) => `${key} :${code}:${plain(text)}\n`,
    },
    vouched: {
      head: `$DATASET generic:vouch @\n$TTL ${TTL}\n_list TXT "${listText(head)}"\n`,
      line: (domain: string) => `${domain}._vouch TXT "transaction"\n`,
    },
  };
}

/** As rbldnsd reads it, in UTC: `2026-01-31:23:59:59`. */
function stamp(at: number): string {
  return new Date(at).toISOString().slice(0, 19).replace("T", ":");
}

/** rbldnsd puts the name that was asked for in place of `$`, and cuts at 255 octets. */
function plain(text: string): string {
  return text.replace(/[^\x20-\x7e]|[$\\"]/g, "?").slice(0, 255);
}
