/**
 * A load generator for submission servers: `connections` TLS connections, AUTH PLAIN, messages of `size` octets one
 * after another on each (or one a connection, as a PDS sends). Prints one line of JSON.
 *
 *   node bench/relay/load.ts '{"port":465,"messages":5000,"connections":20,"size":4096,"perConnection":100}'
 */
import { connect } from "node:tls";

type Load = {
  port: number;
  messages: number;
  connections: number;
  size: number;
  perConnection: number;
  /** Different log-ins `u<n>`, so that no member meets its limit. */
  users: number;
};

const load = {
  port: 465,
  messages: 2_000,
  connections: 20,
  size: 4_096,
  perConnection: 100,
  users: 200,
  ...(JSON.parse(process.argv[2] ?? "{}") as Partial<Load>),
} satisfies Load;

const filler = "The quick brown fox jumps over the lazy dog. 0123456789 abcdefghij\r\n";
const body = filler.repeat(Math.max(1, Math.floor((load.size - 200) / filler.length)));
let next = 0;
const latencies: number[] = [];
const refused = new Map<string, number>();

async function session(user: number): Promise<void> {
  const socket = connect({ host: "127.0.0.1", port: load.port, rejectUnauthorized: false });
  let buffer = "";
  let waiting: ((line: string) => void) | undefined;
  const lines: string[] = [];
  socket.setEncoding("latin1");
  socket.on("data", (chunk: string) => {
    buffer += chunk;
    for (let end = buffer.indexOf("\r\n"); end >= 0; end = buffer.indexOf("\r\n")) {
      const line = buffer.slice(0, end);
      buffer = buffer.slice(end + 2);
      if (line[3] === "-") continue;
      if (waiting) {
        const give = waiting;
        waiting = undefined;
        give(line);
      } else lines.push(line);
    }
  });
  const broken = new Promise<never>((_resolve, reject) => socket.once("error", reject));
  const reply = () =>
    Promise.race([
      broken,
      new Promise<string>((resolve) => (lines.length ? resolve(lines.shift()!) : (waiting = resolve))),
    ]);
  const say = (text: string) => (socket.write(text), reply());
  await reply();
  await say("EHLO load.test\r\n");
  const login = Buffer.from(`\0u${user}\0secret`).toString("base64");
  const auth = await say(`AUTH PLAIN ${login}\r\n`);
  if (!auth.startsWith("235")) throw new Error(auth);
  for (let sent = 0; sent < load.perConnection && next < load.messages; sent++) {
    const n = next++;
    const from = `a@d${user}.test`;
    const began = performance.now();
    socket.write(`MAIL FROM:<${from}>\r\nRCPT TO:<r${n}@example.test>\r\nDATA\r\n`);
    await reply();
    await reply();
    const go = await reply();
    const last = go.startsWith("354")
      ? await say(
          `From: A <${from}>\r\nTo: <r${n}@example.test>\r\nSubject: Sign in ${n}\r\nMIME-Version: 1.0\r\n` +
            `Content-Type: text/plain\r\n\r\n${body}.\r\n`,
        )
      : go;
    if (last.startsWith("250")) latencies.push(performance.now() - began);
    else refused.set(last.slice(0, 60), (refused.get(last.slice(0, 60)) ?? 0) + 1);
  }
  socket.end("QUIT\r\n");
}

const started = performance.now();
await Promise.all(
  Array.from({ length: load.connections }, async (_, worker) => {
    for (let user = worker; next < load.messages; user += load.connections) await session(user % load.users);
  }),
);
const seconds = (performance.now() - started) / 1000;
latencies.sort((a, b) => a - b);
const at = (share: number) => Number((latencies[Math.floor(latencies.length * share)] ?? 0).toFixed(1));
console.log(
  JSON.stringify({
    accepted: latencies.length,
    perSecond: Math.round(latencies.length / seconds),
    seconds: Number(seconds.toFixed(2)),
    p50: at(0.5),
    p95: at(0.95),
    p99: at(0.99),
    refused: Object.fromEntries(refused),
  }),
);
