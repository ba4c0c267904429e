/**
 * How many messages a second a relay node delivers from its spool to receiving servers under TLS, each result
 * recorded with its conversation, and how long a message takes when some of the hosts never answer.
 *
 *   node bench/relay/deliver.ts
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventMaker } from "../../src/event/index.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { randomId, snowflakes } from "../../src/lib/ids.ts";
import { silentLog } from "../../src/platform/log.ts";
import { createMetrics } from "../../src/platform/metrics.ts";
import { createPolicyBook } from "../../src/policy/index.ts";
import type { DnsAnswer, DnsType } from "../../src/protocol/dns/index.ts";
import { createRelay } from "../../src/relay/index.ts";
import { createSpool } from "../../src/spool/index.ts";

const MESSAGES = Number(process.argv[2] ?? 4_000);
const DOMAINS = 40;
const dir = mkdtempSync(join(process.env["BENCH_DIR"] ?? tmpdir(), "atmos-bench-"));
const sink = spawn(process.execPath, [new URL("./sink.ts", import.meta.url).pathname], {
  stdio: ["ignore", "pipe", "inherit"],
});
const port = Number(String((await once(sink.stdout, "data"))[0]));
const silent = createServer(() => undefined).listen(port, "127.0.0.2");

const spool = await createSpool({ path: join(dir, "spool.sqlite") });
const book = await createPolicyBook(spool.policies);
const member = { did: "did:plc:a", domain: "a.test" };
await book.apply({
  did: member.did,
  handle: "m",
  version: 1,
  standing: "good",
  tier: "trusted",
  joinedAt: 0,
  reason: null,
  domains: [{ name: member.domain, status: "active", returnPath: null, keys: [] }],
  credentials: [],
});

async function fill(slowShare: number): Promise<void> {
  await Promise.all(
    Array.from({ length: MESSAGES }, (_, n) => {
      const domain = n % 100 < slowShare * 100 ? `slow${n % 7}.test` : `d${n % DOMAINS}.test`;
      const now = Date.now();
      return spool.accept({
        message: {
          id: randomId(10),
          did: member.did,
          credential: null,
          kind: "mail",
          sender: "x@a.test",
          fromDomain: "a.test",
          stream: "transactional",
          receivedAt: now,
          size: 4_096,
          head: new Uint8Array(Buffer.from("From: x@a.test\r\nSubject: x\r\n\r\n")),
          body: { bytes: new Uint8Array(Buffer.alloc(4_096, "0123456789abcde\r\n")) },
        },
        recipients: [{ id: randomId(10), address: `r${n}@${domain}`, domain, state: "queued", nextAt: now }],
        events: [],
      });
    }),
  );
}

const relay = createRelay({
  identity: {
    hostname: "relay.pool.test",
    poolDomain: "pool.test",
    poolReturnPath: "bounce.pool.test",
    poolKeys: [],
    region: "eu",
    sender: "atmos",
    verpKey: Buffer.alloc(32, 1),
    recipientKey: Buffer.alloc(32, 2),
  },
  submission: { host: "127.0.0.1", tlsPort: null, starttlsPort: null, tls: { key: "", cert: "" } },
  delivery: { port, allowPrivate: true, deadlines: { connect: 5_000 } },
  spool,
  policyBook: book,
  resolver: {
    async resolve<T extends DnsType>(name: string, type: T): Promise<DnsAnswer<T>> {
      if (type !== "MX" && type !== "A") return { status: "nodata", authentic: false };
      const address = name.includes("slow") ? "127.0.0.2" : "127.0.0.1";
      const record = type === "A" ? { address } : { preference: 1, exchange: `mx.${name}` };
      return { status: "ok", authentic: false, records: [{ ...record, ttl: 60 }] } as unknown as DnsAnswer<T>;
    },
  },
  clock: systemClock,
  log: silentLog,
  metrics: createMetrics(),
  event: eventMaker(Date.now, snowflakes(Date.now)),
  open: () => Promise.reject(new Error("no keys here")),
});

async function measure(name: string, slowShare: number): Promise<void> {
  await fill(slowShare);
  const fast = MESSAGES - Math.floor(MESSAGES * slowShare);
  const before = (await spool.counts()).delivered ?? 0;
  const started = performance.now();
  relay.wake();
  for (;;) {
    await systemClock.sleep(50);
    if (((await spool.counts()).delivered ?? 0) - before >= fast) break;
  }
  const seconds = (performance.now() - started) / 1000;
  console.log(
    `${name}: ${fast} delivered in ${seconds.toFixed(1)} s, ${Math.round(fast / seconds)} a second`,
  );
}

await relay.start();
await measure("all hosts answer", 0);
await measure("a tenth of the mail is for hosts that never answer", 0.1);
await relay.close(100);
await spool.close();
silent.close();
sink.kill();
rmSync(dir, { recursive: true });
