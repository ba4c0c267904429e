/**
 * One labeler in a process of its own, told by IPC what to do: ours, or @skyware/labeler from the folder `peer`. Both
 * keep their labels in SQLite on disk and serve both endpoints.
 *
 *   server.ts DATA-DIRECTORY [PEER-FOLDER]
 */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Secp256k1Keypair } from "@atproto/crypto";
import { Hono } from "hono";
import {
  attachSubscribeLabels,
  createLabels,
  labelMigration,
  labelRoutes,
  type AttestedDomain,
} from "../../src/label/index.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { Database } from "../../src/platform/database.ts";
import { serveHttp } from "../../src/platform/http.ts";
import { silentLog } from "../../src/platform/log.ts";
import { didOf } from "./names.ts";

export type Order =
  | { do: "members"; from: number; count: number }
  | { do: "rate"; from: number; perSecond: number; seconds: number };
export type Report =
  | { is: "ready"; port: number }
  | { is: "done"; labels: number; ms: number; latestTickMs: number };

/** A labeler that says `labelsPerMember` labels about member `n`; resolves when they are kept. */
type Labeler = { port: number; say(n: number, whole: boolean): Promise<number> };

const CID = "bafyreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy";
const recordOf = (n: number) => `at://${didOf(n)}/community.email.attestation/m${n}.example`;
/** `whole`: all five labels of a member; else the two that a passed check says. */
const VALUES = ["verified-mail-operator", "relay-member", "verified-member", "clean-sender"];

async function ours(dir: string): Promise<Labeler> {
  const db = new Database(join(dir, "labeler.sqlite"), [labelMigration]);
  const numbers = new Map<string, number>();
  const labels = createLabels({
    db,
    did: didOf(0),
    keypair: await Secp256k1Keypair.create(),
    clock: systemClock,
    log: silentLog,
    attestationsOf(did): AttestedDomain[] {
      const n = numbers.get(did)!;
      return [{ uri: recordOf(n), cid: CID, did, domain: `m${n}.example`, summary: "verified" }];
    },
  });
  const app = new Hono();
  app.route("/", labelRoutes(labels));
  const http = await serveHttp(app, { host: "127.0.0.1", port: 0 });
  attachSubscribeLabels(http.server, labels);
  return {
    port: http.address.port,
    async say(n, whole) {
      const did = didOf(n);
      numbers.set(did, n);
      const standing = { did, member: true, cleanSender: true, ended: false };
      return (await (whole ? labels.setStanding(standing) : labels.reconcile(did))).length;
    },
  };
}

type SkywareServer = {
  createLabel(label: { uri: string; cid?: string; val: string; exp: string }): Promise<unknown>;
  start(at: { port: number; host: string }, done: (error: Error | null, address: string) => void): void;
};

async function theirs(dir: string, folder: string): Promise<Labeler> {
  const module = pathToFileURL(join(folder, "node_modules/@skyware/labeler/dist/index.js")).href;
  const { LabelerServer } = (await import(module)) as {
    LabelerServer: new (options: { did: string; signingKey: string; dbPath: string }) => SkywareServer;
  };
  const keypair = await Secp256k1Keypair.create({ exportable: true });
  const signingKey = Buffer.from(await keypair.export()).toString("hex");
  const server = new LabelerServer({ did: didOf(0), signingKey, dbPath: join(dir, "labels.db") });
  const address = await new Promise<string>((resolve, reject) =>
    server.start({ port: 0, host: "127.0.0.1" }, (error, at) => (error ? reject(error) : resolve(at))),
  );
  return {
    port: Number(new URL(address).port),
    async say(n, whole) {
      const exp = new Date(Date.now() + 86_400_000).toISOString();
      await server.createLabel({ uri: recordOf(n), cid: CID, val: VALUES[0]!, exp });
      const values = whole ? VALUES : VALUES.slice(0, 1);
      for (const val of values) await server.createLabel({ uri: didOf(n), val, exp });
      return 1 + values.length;
    },
  };
}

const [dir = "", peer] = process.argv.slice(2);
const labeler = await (peer === undefined ? ours(dir) : theirs(dir, peer));
const report = (what: Report) => void process.send?.(what);

async function obey(order: Order): Promise<void> {
  const began = performance.now();
  let labels = 0;
  let latestTickMs = 0;
  if (order.do === "members") {
    for (let n = order.from; n < order.from + order.count; n++) labels += await labeler.say(n, true);
  } else {
    const members = (order.perSecond / 2) * order.seconds;
    for (let i = 0; i < members; i++) {
      const due = began + (i * 2000) / order.perSecond;
      const wait = due - performance.now();
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      latestTickMs = Math.max(latestTickMs, performance.now() - due);
      labels += await labeler.say(order.from + i, false);
    }
  }
  report({ is: "done", labels, ms: performance.now() - began, latestTickMs });
}

process.on("message", (order: Order) => void obey(order));
process.on("disconnect", () => process.exit());
report({ is: "ready", port: labeler.port });
