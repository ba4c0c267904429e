/**
 * Does memory stay flat? A relay node with its real spool, in this process: messages are accepted, signed, delivered to
 * a sink on loopback and forgotten. See docs/benchmarks.md.
 *
 *   node --expose-gc bench/soak.ts [--messages 20000] [--every 2000] [--json]
 */
import { parseArgs } from "node:util";
import { DAY_MS, MovableClock } from "../src/lib/clock.ts";
import { member, newDirectory, startRelay, stopRelay } from "../test/relay-harness.ts";
import { createSink } from "../test/relay-sink.ts";
import { logIn } from "./smtp-client.ts";

const { values } = parseArgs({
  options: {
    messages: { type: "string", default: "20000" },
    every: { type: "string", default: "2000" },
    json: { type: "boolean", default: false },
  },
});
const MESSAGES = Number(values.messages);
const EVERY = Number(values.every);
const AT_ONCE = 8;
const PER_CONNECTION = 25;
/** Growth of the heap for one message, in octets, once it is warm. A message kept by mistake would be a thousand. */
const BOUND = 64;
const BODY = `${"A line of a message as programs send them, some seventy octets long.\r\n".repeat(56)}`;
const { gc } = globalThis;
if (!gc) throw new Error("Run it with node --expose-gc");

type Sample = { messages: number; heap: number; rss: number; seconds: number };

const directory = newDirectory();
const sink = await createSink();
const clock = new MovableClock(Date.UTC(2026, 0, 1));
const bed = await startRelay(directory.path, sink.port, clock);
await bed.book.apply({ ...member, version: 2, tier: "trusted" });

let sent = 0;
async function sendSome(): Promise<void> {
  await using client = await logIn(
    { host: "127.0.0.1", port: bed.ports.tls },
    { username: "alice", secret: "secret", sender: "a@member.test" },
  );
  for (let n = 0; n < PER_CONNECTION; n++) {
    const { reply } = await client.send("a@member.test", `r${sent % 40}@a.test`, `Message ${sent++}`, BODY);
    if (!reply.startsWith("250 2.0.0 Queued")) throw new Error(`refused: ${reply}`);
  }
}

function measure(messages: number, since: number): Sample {
  gc!();
  gc!();
  const { heapUsed, rss } = process.memoryUsage();
  return { messages, heap: heapUsed, rss, seconds: (performance.now() - since) / 1000 };
}

/** Octets a message: the slope of the least squares. */
function slope(samples: readonly Sample[], of: "heap" | "rss"): number {
  const mean = (list: number[]) => list.reduce((sum, one) => sum + one, 0) / list.length;
  const x = mean(samples.map(({ messages }) => messages));
  const y = mean(samples.map((sample) => sample[of]));
  const above = samples.reduce((sum, sample) => sum + (sample.messages - x) * (sample[of] - y), 0);
  return above / samples.reduce((sum, { messages }) => sum + (messages - x) ** 2, 0);
}

const began = performance.now();
const samples: Sample[] = [];
let next = EVERY;
for (;;) {
  // No limit and no breaker: the member has a day for each round.
  clock.advance(DAY_MS);
  // The first ones make the template and the recipients known.
  const connections = sent < PER_CONNECTION * 2 ? 1 : AT_ONCE;
  await Promise.all(Array.from({ length: connections }, sendSome));
  await bed.relay.settle();
  const delivered = sink.received.splice(0).length;
  if (delivered !== connections * PER_CONNECTION) throw new Error(`${delivered} arrived`);
  await bed.spool.prune(clock.now(), { now: clock.now() + 2 * DAY_MS });
  const depth = await bed.spool.outbox.read(1_000_000);
  await bed.spool.outbox.clear(depth.at(-1)?.seq ?? 0);
  if (sent >= next) {
    next += EVERY;
    const sample = measure(sent, began);
    samples.push(sample);
    const mebi = (octets: number) => (octets / 2 ** 20).toFixed(1);
    process.stderr.write(
      `${sent} messages, ${sample.seconds.toFixed(0)} s: heap ${mebi(sample.heap)} MiB, RSS ${mebi(sample.rss)} MiB\n`,
    );
  }
  if (sent >= MESSAGES) break;
}
await stopRelay(bed);
await sink.close();
directory.remove();

// The first quarter fills caches.
const warm = samples.slice(Math.floor(samples.length / 4));
const result = {
  messages: sent,
  heapPerMessage: slope(warm, "heap"),
  rssPerMessage: slope(warm, "rss"),
  bound: BOUND,
};
const flat = warm.length > 2 && result.heapPerMessage < BOUND;
process.stdout.write(
  values.json
    ? `${JSON.stringify({ ...result, flat, samples }, undefined, 2)}\n`
    : `${sent} messages: heap ${result.heapPerMessage.toFixed(1)}, RSS ${result.rssPerMessage.toFixed(1)} octets a message ` +
        `(bound for the heap: ${BOUND}): ${flat ? "flat" : "not flat"}\n`,
);
process.exit(flat ? 0 : 1);
