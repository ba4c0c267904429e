import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { between, seededRandom } from "../../src/devnet/random.ts";
import { alteredBuild } from "./altered.ts";
import { startCooperative, tellLogOnFailure, type Cooperative, type Member } from "./cooperative.ts";
import { reconcile, type Ledger } from "./ledger.ts";
import { until } from "./servers/process.ts";
import { attach, type Syscall } from "./servers/strace.ts";
import { startSink, type Sink } from "./sink.ts";
import { compose, CutError, openSubmission } from "./submission.ts";

/*
 * The process is killed in front of one system call: strace delivers SIGKILL at the n-th call of a thread, counted from
 * the moment it was attached, in the middle of three messages being accepted and delivered. In front of a call is after
 * the thread's call before it, so that a sweep over all of them is a sweep over "before and after each write and each
 * reply". Which calls there are is learned by a run without a fault. Each run shares its calls among its threads in its
 * own way, and gathers them in its own way too: the three messages come again until the call comes.
 */

/** Another choice of points: CRASH_SEED=…; more of them: CRASH_POINTS=… or all. */
const SEED = process.env["CRASH_SEED"] ?? String(Date.now());
const POINTS = process.env["CRASH_POINTS"] ?? "36";
const MAILBOXES = "127.0.0.30";
const LARGE = "A line of a large message, which is longer than the others.\r\n".repeat(2_800);
/** The spool's log is told from the logs of other databases by its path. */
const WAL_CALLS = ["pwrite64", "fsync", "fdatasync"];
/** Bodies that are files, sockets, and what wakes threads. */
const OTHER_CALLS = ["fsync", "rename", "unlink", "write", "writev", "read", "epoll_pwait", "futex"];

/** A quarter of a second later, and the reply does not wait. */
const EARLY =
  "const accepted = {}; void (async (acceptance) => " +
  "{ await new Promise((done) => setTimeout(done, 250)); await spool.accept(acceptance); })(";

/** How often the three messages come, until the point does. */
const MAX_ROUNDS = 8;

type Point = { call: string; n: number; path?: string };

let coop: Cooperative;
let sink: Sink;
const members: Member[] = [];
const ledger: Ledger = { acknowledged: new Map(), unknown: new Set(), refused: new Set() };
const deaths: number[] = [];
let messages = 0;

const wal = () => join(coop.product.dataDir, "spool.sqlite-wal");

beforeAll(async () => {
  coop = await startCooperative();
  sink = await startSink(
    { host: MAILBOXES, port: coop.deliveryPort },
    await coop.authority.issue("mx.sink.test"),
  );
  coop.receives("sink.test", MAILBOXES);
  for (const domain of ["alder.test", "birch.test"])
    members.push(await coop.join(domain, { address: MAILBOXES, tier: "trusted" }));
}, 300_000);
afterAll(async () => {
  await coop?.stop();
  await sink?.stop();
});
tellLogOnFailure(() => coop?.product);

const SCENARIO = [
  { to: ["a@sink.test"] },
  { to: ["b@sink.test"], body: LARGE },
  { to: ["a@sink.test", "c@sink.test"] },
];

/** Submits the scenario over one connection, and writes down what was answered. Returns the ids. */
async function submitScenario(member: Member): Promise<string[]> {
  const from = `noreply@${member.domain}`;
  const ids: string[] = [];
  let id = "";
  try {
    const client = await openSubmission(coop, member);
    for (const { to, ...body } of SCENARIO) {
      id = `point-${++messages}@${member.domain}`;
      ids.push(id);
      ledger.refused.add(id);
      for (const line of [`MAIL FROM:<${from}>`, ...to.map((one) => `RCPT TO:<${one}>`), "DATA"])
        await client.say(line);
      client.socket.write(compose({ from, to: to.join(", "), subject: "Load", id, ...body }));
      const reply = await client.say(".");
      expect(reply).toMatch(/^250 2\.0\.0 Queued as /);
      ledger.refused.delete(id);
      ledger.acknowledged.set(id, to);
    }
    client.destroy();
  } catch (error) {
    if (!(error instanceof CutError)) throw error;
    if (error.phase === "." && ledger.refused.delete(id)) ledger.unknown.add(id);
  }
  return ids;
}

const arrived = (ids: string[]) =>
  ids.every((id) => (ledger.acknowledged.get(id)?.length ?? 0) <= sink.byMessageId(id).length);

/** How often the busiest thread makes each call while the scenario goes in and out. */
async function countCalls(trace: string[], path?: string): Promise<Point[]> {
  const traced = await attach(coop.product.pid(), { trace, ...(path && { path }) });
  const ids = await submitScenario(members[0]!);
  await until("the deliveries", () => arrived(ids));
  await traced.stop();
  const most = (calls: Syscall[]) =>
    Math.max(0, ...Object.values(Object.groupBy(calls, ({ pid }) => pid)).map((own) => own?.length ?? 0));
  const calls = await traced.calls();
  return trace.flatMap((call) =>
    Array.from({ length: most(calls.filter(({ name }) => name === call)) }, (_, i) => ({
      call,
      n: i + 1,
      ...(path && { path }),
    })),
  );
}

/** Runs the scenario into one point, and starts the product again. False: it was not reached, and killed by hand. */
async function crashAt({ call, n, path }: Point, member: Member): Promise<boolean> {
  const traced = await attach(coop.product.pid(), {
    trace: [call],
    inject: [`${call}:signal=KILL:when=${n}`],
    ...(path && { path }),
  });
  const ended = coop.product.ended();
  let reached = false;
  void ended.then(() => (reached = true));
  for (let round = 1; ; round++) {
    const ids = await submitScenario(member);
    await until("its end, or the deliveries", () => reached || arrived(ids));
    if (reached || round === MAX_ROUNDS) break;
  }
  const byItself = reached;
  if (!byItself) await coop.product.kill();
  await ended;
  deaths.push(Date.now());
  await traced.stop();
  await coop.product.start();
  return byItself;
}

/** All points of the log and of the files, and of the others as many as there is room for. */
function choose(log: Point[], others: Point[]): Point[] {
  if (POINTS === "all") return [...log, ...others];
  const random = seededRandom(`crash points ${SEED}`);
  const rare = others.filter(({ call }) => ["fsync", "rename", "unlink"].includes(call));
  const frequent = others.filter((point) => !rare.includes(point));
  const take = (from: Point[], count: number) => {
    const rest = [...from];
    return Array.from(
      { length: Math.min(count, rest.length) },
      () => rest.splice(between(random, 0, rest.length - 1), 1)[0]!,
    );
  };
  const total = Number(POINTS);
  return [...take(log, total / 3), ...take(rare, total / 6), ...take(frequent, total / 2)];
}

test(
  "whatever it is killed in front of: what was acknowledged arrives, what was not is taken once at most",
  { timeout: 3_600_000 },
  async ({ onTestFailed }) => {
    onTestFailed(() => void process.stderr.write(`Again with: CRASH_SEED=${SEED}\n`));
    await submitScenario(members[0]!);
    const log = await countCalls(WAL_CALLS, wal());
    const others = await countCalls(OTHER_CALLS);
    const points = choose(log, others);
    /** Of each kind: how many were tried, and how many killed it. */
    const tried: Record<string, [reached: number, of: number]> = {};
    for (const [i, point] of points.entries()) {
      const name = `${point.call}${point.path ? " of the log" : ""}`;
      const counts = (tried[name] ??= [0, 0]);
      counts[1]++;
      if (await crashAt(point, members[i % 2]!)) counts[0]++;
    }
    await until("what was acknowledged", () => arrived([...ledger.acknowledged.keys()]), 60_000).catch(
      () => undefined,
    );
    expect(await coop.product.terminate()).toBe(0);
    const { acknowledged, unknown, refused } = ledger;
    process.stdout.write(
      `seed ${SEED}: ${points.length} of ${log.length + others.length} points, reached: ${JSON.stringify(tried)}; ` +
        `${acknowledged.size} acknowledged, ${unknown.size} cut after the final dot, ${refused.size} before; ` +
        `${sink.copies.length} copies\n`,
    );
    expect(reconcile(ledger, sink.copies, deaths)).toEqual([]);
    // Otherwise the kills hit nothing.
    const reached = Object.values(tried).reduce((sum, [one]) => sum + one, 0);
    expect(reached).toBeGreaterThanOrEqual(points.length * 0.75);
    expect(unknown.size).toBeGreaterThan(0);
    await coop.product.start();
  },
);

describe("the harness can fail", () => {
  test("a message that the sink forgot is found, and so is one that nobody submitted", () => {
    const [id = "", to = []] = [...ledger.acknowledged][0] ?? [];
    const without = sink.copies.filter(({ messageId }) => messageId !== id);
    expect(reconcile(ledger, without, deaths)).toEqual(
      to.map((one) => `${id} to ${one} was acknowledged, and is lost`),
    );
    const stranger = { messageId: "x@alder.test", to: "a@sink.test", at: 1 };
    expect(reconcile(ledger, [...sink.copies, stranger], deaths)).toEqual([
      "x@alder.test to a@sink.test was never submitted",
    ]);
    const again = { messageId: id, to: to[0]!, at: 1 };
    expect(reconcile(ledger, [again, ...sink.copies], deaths)).toEqual([
      `${id} to ${to[0]} came again, and no crash explains it`,
    ]);
  });

  test(
    "a build that answers before the commit loses what it acknowledged; this one does not",
    { timeout: 120_000 },
    async () => {
      await using early = await alteredBuild(
        "relay/submission/transaction.js",
        "const accepted = await spool.accept(",
        EARLY,
      );
      for (const [program, wanted] of [
        [early.program, "lost"],
        [undefined, "safe"],
      ] as const) {
        await coop.product.terminate();
        await coop.product.start(program);
        const own: Ledger = { acknowledged: new Map(), unknown: new Set(), refused: new Set() };
        const id = `early-${wanted}@alder.test`;
        const [from, to] = ["noreply@alder.test", "a@sink.test"];
        const client = await openSubmission(coop, members[0]!);
        await client.begin(from, to);
        client.socket.write(compose({ from, to, subject: "Load", id }));
        // It dies in front of the first write of the commit.
        const traced = await attach(coop.product.pid(), {
          trace: ["pwrite64"],
          inject: ["pwrite64:signal=KILL:when=1"],
          path: wal(),
        });
        const reply = await client.say(".").catch(() => "cut");
        if (reply.startsWith("250 ")) own.acknowledged.set(id, [to]);
        else own.unknown.add(id);
        await coop.product.ended();
        await traced.stop();
        await coop.product.start();
        await submitScenario(members[0]!);
        await until("what came later", () => arrived([...ledger.acknowledged.keys()]));
        const copies = sink.copies.filter(({ messageId }) => messageId === id);
        expect({ wanted, findings: reconcile(own, copies, [Date.now()]) }).toEqual({
          wanted,
          findings: wanted === "lost" ? [`${id} to ${to} was acknowledged, and is lost`] : [],
        });
        expect(reply).toMatch(wanted === "lost" ? /^250 / : /^cut$/);
      }
    },
  );
});
