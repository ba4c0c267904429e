import { decode, encode, RECURSION_DESIRED, type Packet } from "dns-packet";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startDnsServer, type DnsServer } from "../../platform/dns/index.ts";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { answerFrom } from "./answers.ts";
import { ipName } from "./names.ts";
import { readZoneLine, zoneHead, zoneLines } from "./rfc1035.ts";
import { createTableReader, type ZoneTable } from "./table.ts";
import { wireAnswers } from "./wire-answers.ts";

const ZONE = "wl.coop.test";
const head = {
  zone: ZONE,
  nameServers: ["ns.coop.test"],
  serial: 7,
  key: "did:key:zQ3",
  snapshotUrl: "https://x",
};
const entries = [
  { key: "[192.0.2.7]", code: "127.0.3.1", text: "egress address" },
  { key: "[2001:db8::7]", code: "127.0.3.1", text: "egress address" },
  { key: "alder.example", code: "127.0.6.1", text: "verified-member at://did:plc:ada/x/alder.example" },
  { key: "long.example", code: "127.0.6.2", text: "x".repeat(700) },
];

function tableOf(): ZoneTable {
  const reader = createTableReader(ZONE);
  const lines = [zoneHead(head), ...entries.map((entry) => zoneLines(entry, ZONE))].join("").split("\n");
  for (const line of lines) if (line !== "") expect(reader.add(readZoneLine(line)!)).toBeUndefined();
  const read = reader.finish(entries.length);
  if (!read.ok) throw new Error(read.why);
  return read.table;
}

const table = tableOf();
const wire = wireAnswers(table);
let general: DnsServer;
let client: Socket;
beforeAll(async () => {
  general = await startDnsServer({ host: "127.0.0.1", port: 0, answer: answerFrom(table) });
  client = createSocket("udp4");
});
afterAll(async () => {
  client.close();
  await general.close();
});

async function slow(query: Buffer): Promise<Buffer> {
  client.send(query, general.port, general.host);
  const [reply] = (await once(client, "message")) as [Buffer];
  return reply;
}
/** What a client makes of it, whichever way names were compressed. */
function meaning(reply: Buffer) {
  const { id, flags, questions, answers, authorities, additionals } = decode(reply);
  // The general server writes names in lower case; a pointer to the question has them as they were asked for.
  const lower = answers?.map((answer) => ({ ...answer, name: answer.name.toLowerCase() }));
  return { id, flags, questions, answers: lower, authorities, additionals };
}

const NAMES = [
  ...[
    "alder.example",
    "ALDER.Example",
    "long.example",
    "gone.example",
    "example",
    "x.alder.example",
    "test",
    "invalid",
  ].flatMap((name) => [`${name}.dwl.${ZONE}`, `${name}._vouch.${ZONE}`]),
  ...["192.0.2.7", "192.0.2.8", "2001:db8::7", "127.0.0.2", "127.0.0.1"].map(
    (address) => `${ipName(address)}.${ZONE}`,
  ),
  ...["0.192.ip", "ip", "dwl", "_vouch", "_list", "other", "a_b.dwl", "a-b.example.dwl"].map(
    (name) => `${name}.${ZONE}`,
  ),
  ZONE,
  "alder.example",
];
const TYPES = ["A", "TXT", "AAAA", "MX", "NS", "SOA", "SRV", "CNAME", "ANY"] as const;

test("it says what the general server says, of every name, type and size, or leaves it to that", async () => {
  let answered = 0;
  for (const [i, name] of NAMES.entries())
    for (const [j, type] of TYPES.entries())
      for (const payload of [undefined, 512, 1232, 65_535]) {
        const packet: Packet = {
          type: "query",
          id: (i * 100 + j) % 65_536,
          flags: j % 2 === 0 ? RECURSION_DESIRED : 0,
          questions: [{ type, name }],
          ...(payload !== undefined && {
            additionals: [
              {
                type: "OPT",
                name: ".",
                udpPayloadSize: payload,
                extendedRcode: 0,
                ednsVersion: 0,
                flags: j % 3 === 0 ? 0x8000 : 0,
                flag_do: j % 3 === 0,
                options: [],
              },
            ],
          }),
        } as Packet;
        const query = encode(packet);
        const fast = wire(query);
        if (!fast) continue;
        answered++;
        expect(meaning(fast)).toEqual(meaning(await slow(query)));
      }
  // Of 36 names nearly all are answered for seven of the nine types.
  expect(answered).toBeGreaterThan(600);
});

test("octets at random, and questions with some of them changed, harm nobody", () => {
  let state = 1;
  const random = (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const sound = encode({
    type: "query",
    id: 1,
    questions: [{ type: "A", name: `alder.example.dwl.${ZONE}` }],
  });
  for (let i = 0; i < 20_000; i++) {
    const query =
      i % 2 === 0 ? Buffer.from(Array.from({ length: random(80) }, () => random(256))) : Buffer.from(sound);
    if (i % 2 === 1) for (let n = 0; n <= random(4); n++) query[random(query.length)] = random(256);
    const reply = wire(i % 4 === 3 ? query.subarray(0, random(query.length + 1)) : query);
    if (reply) expect(decode(reply).questions).toHaveLength(1);
  }
});
