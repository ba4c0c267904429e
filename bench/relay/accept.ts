/**
 * How many messages a second a relay node accepts: TLS, AUTH, policy, RSA-2048 + Ed25519 + the pool's RSA-2048
 * signatures, fsync before 250. Delivery is left out: the members' domains are held. The load comes from a process of
 * its own on the same machine.
 *
 *   node bench/relay/accept.ts
 */
import { spawn } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createAuthority } from "../../src/devnet/certificates.ts";
import { eventMaker } from "../../src/event/index.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { snowflakes } from "../../src/lib/ids.ts";
import { silentLog } from "../../src/platform/log.ts";
import { createMetrics } from "../../src/platform/metrics.ts";
import { createPolicyBook, hashSecret } from "../../src/policy/index.ts";
import { createRelay } from "../../src/relay/index.ts";
import { createSpool } from "../../src/spool/index.ts";

const USERS = 200;
const dir = mkdtempSync(join(process.env["BENCH_DIR"] ?? tmpdir(), "atmos-bench-"));
const newRsa = () => generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
const pem = (key: ReturnType<typeof newRsa>) => key.export({ type: "pkcs8", format: "pem" }).toString();
const sealed = new Map([
  ["rsa", pem(newRsa())],
  ["ed25519", pem(generateKeyPairSync("ed25519").privateKey)],
]);

const spool = await createSpool({ path: join(dir, "spool.sqlite") });
const book = await createPolicyBook(spool.policies);
for (let n = 0; n < USERS; n++) {
  await book.apply({
    did: `did:plc:${n}`,
    handle: `m${n}`,
    version: 1,
    standing: "good",
    tier: "trusted",
    joinedAt: 0,
    reason: null,
    domains: [
      {
        name: `d${n}.test`,
        status: "held",
        returnPath: null,
        keys: [
          { selector: "r", algorithm: "rsa", sealed: "rsa" },
          { selector: "e", algorithm: "ed25519", sealed: "ed25519" },
        ],
      },
    ],
    credentials: [
      {
        id: `c${n}`,
        username: `u${n}`,
        hash: hashSecret(`u${n}`, "secret"),
        domains: [`d${n}.test`],
        revoked: false,
      },
    ],
  });
}
const relay = createRelay({
  identity: {
    hostname: "relay.pool.test",
    poolDomain: "pool.test",
    poolReturnPath: "bounce.pool.test",
    poolKeys: [{ domain: "pool.test", selector: "p", algorithm: "rsa", key: newRsa() }],
    region: "eu",
    sender: "atmos",
    verpKey: Buffer.alloc(32, 1),
    recipientKey: Buffer.alloc(32, 2),
  },
  submission: {
    host: "127.0.0.1",
    tlsPort: 0,
    starttlsPort: null,
    tls: createAuthority().issue(["127.0.0.1"]),
  },
  delivery: {},
  spool,
  policyBook: book,
  resolver: { resolve: async () => ({ status: "temperror", detail: "no network here" }) },
  clock: systemClock,
  log: silentLog,
  metrics: createMetrics(),
  event: eventMaker(Date.now, snowflakes(Date.now)),
  open: async (name) => sealed.get(name)!,
});
const { tlsPort } = await relay.start();

async function run(name: string, load: object): Promise<void> {
  const args = [
    new URL("./load.ts", import.meta.url).pathname,
    JSON.stringify({ port: tlsPort, users: USERS, ...load }),
  ];
  const before = process.cpuUsage();
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  let out = "";
  for await (const chunk of child.stdout) out += String(chunk);
  const { user, system } = process.cpuUsage(before);
  console.log(`${name}: ${out.trim()} relay cpu ${((user + system) / 1e6).toFixed(1)} s`);
}

await run("warm up", { messages: 1_000, connections: 10 });
await run("10 connections kept, 4 KiB", { messages: 8_000, connections: 10 });
await run("50 connections kept, 4 KiB", { messages: 8_000, connections: 50 });
await run("a connection a message, 50 at once, 4 KiB", {
  messages: 4_000,
  connections: 50,
  perConnection: 1,
});
await run("50 connections kept, 100 KiB", {
  messages: 2_000,
  connections: 50,
  size: 100_000,
  perConnection: 20,
});
console.log(JSON.stringify(await spool.counts()));
await relay.close(100);
await spool.close();
rmSync(dir, { recursive: true });
