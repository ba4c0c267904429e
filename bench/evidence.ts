/**
 * What evidence costs an event: the log, the facts, and windows for each bounce and complaint, in a file, in batches as
 * core takes them. Members of 10 to 5,000 mails a day over 60 days; the last part is measured. CPU of the process.
 *
 *   node bench/evidence.ts [--days 60] [--measured 100000] [--batch 200] [--rules] [--json]
 *
 * With `--rules` the shipped rules also judge each event that they may judge, with its windows.
 */
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createEventLog, eventLogMigration, type Envelope } from "../src/event/index.ts";
import { createEvidence, evidenceMigration } from "../src/evidence/index.ts";
import { DAY_MS } from "../src/lib/clock.ts";
import { Database } from "../src/platform/database.ts";
import { createEmbeddedEngine, loadRules } from "../src/rules/index.ts";
import { machine } from "./machine.ts";
import { mailStream } from "./mail-stream.ts";
import { table } from "./report.ts";

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    days: { type: "string", default: "60" },
    measured: { type: "string", default: "100000" },
    batch: { type: "string", default: "200" },
    rules: { type: "boolean", default: false },
  },
});
const BATCH = Number(values.batch);
const START = Date.UTC(2026, 0, 1);
/** Mails a day. */
const MEMBERS = [
  ...Array<number>(40).fill(10),
  ...Array<number>(15).fill(50),
  ...Array<number>(4).fill(500),
  5_000,
];

let at = START;
let n = 0;

const directory = await mkdtemp(join(tmpdir(), "atmos-bench-evidence-"));
const db = new Database(join(directory, "core.sqlite"), [eventLogMigration, evidenceMigration]);
const log = createEventLog(db);
const evidence = createEvidence(db);
const rules = values.rules
  ? createEmbeddedEngine(await loadRules(join(import.meta.dirname, "../rules")))
  : undefined;
const events = mailStream(MEMBERS, START, (time) => {
  at = time;
  n++;
});
const isJudged = ({ data }: Envelope) =>
  data.action_name === "recipient_bounced" || data.action_name === "complaint_received";
const windowMs: number[] = [];
let judged = 0;
let fired = 0;

/** As core does: the windows and what is known of the member stand in the event. */
function judge(event: Envelope, window: ReturnType<typeof evidence.windows>): void {
  if (rules?.judges(event.data.action_name) !== true) return;
  const { data } = event.data;
  const member = { ...data.member, age_days: 60, tier: "steady", standing: "good", labels: [] };
  const complete = { ...event, data: { ...event.data, data: { ...data, member, window } } } as Envelope;
  const result = rules.evaluate(complete);
  if (result.errorCount > 0) throw new Error(JSON.stringify(result.errors));
  judged += 1;
  fired += result.verdicts.length;
}

function take(withWindows: boolean): void {
  const batch = Array.from({ length: BATCH }, () => events.next().value);
  spent(() =>
    db.transaction(() => {
      for (const event of batch) {
        if (!log.append(event)) continue;
        evidence.apply(event);
        if (!withWindows || !isJudged(event)) continue;
        const begun = performance.now();
        const window = evidence.windows(event);
        windowMs.push(performance.now() - begun);
        judge(event, window);
      }
    }),
  );
}

let cpu = 0;
let wall = 0;
function spent(work: () => void): void {
  const [before, begun] = [process.cpuUsage(), performance.now()];
  work();
  const used = process.cpuUsage(before);
  cpu += (used.user + used.system) / 1e6;
  wall += (performance.now() - begun) / 1e3;
}

while (at < START + Number(values.days) * DAY_MS) take(false);
const history = n;
const historyRate = n / cpu;
[cpu, wall] = [0, 0];
while (n < history + Number(values.measured)) take(true);
const measured = n - history;
windowMs.sort((a, b) => a - b);
const [half, most] = [windowMs[windowMs.length >> 1]!, windowMs[Math.floor(windowMs.length * 0.99)]!];
db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
const size = (await stat(db.path)).size;
const sizes = db.all<{ name: string; octets: number }>(
  "SELECT name, sum(pgsize) AS octets FROM dbstat GROUP BY name ORDER BY octets DESC",
);
const rows = (name: string) => db.get<{ n: number }>(`SELECT count(*) AS n FROM ${name}`)!.n;
const octets = (name: string) =>
  sizes.filter((one) => one.name.startsWith(name)).reduce((all, one) => all + one.octets, 0);
const result = {
  history,
  historyRate: Math.round(historyRate),
  measured,
  windows: windowMs.length,
  ...(values.rules ? { judged, verdicts: fired } : {}),
  eventsPerCpuSecond: Math.round(measured / cpu),
  eventsPerSecond: Math.round(measured / wall),
  windowMedianMs: Number(half.toFixed(2)),
  window99Ms: Number(most.toFixed(2)),
  fileMiB: Math.round(size / 2 ** 20),
  octetsPerOutcome: Math.round(octets("outcome") / rows("outcome")),
  octetsPerHandedIn: Math.round(octets("handed_in") / rows("handed_in")),
  octetsPerLogged: Math.round((octets("event") + octets("sqlite_autoindex_event")) / rows("event")),
};
db.close();
await rm(directory, { recursive: true });
process.stdout.write(
  values.json
    ? `${JSON.stringify({ machine: machine(), ...result })}\n`
    : `${table([["", "evidence"], ...Object.entries(result).map(([name, value]) => [name, String(value)])])}
`,
);
