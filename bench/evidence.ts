/**
 * What evidence costs an event: the log, the facts, and windows for each bounce and complaint, in a file, in batches as
 * core takes them. Members of 10 to 5,000 mails a day over 60 days; the last part is measured. CPU of the process.
 *
 *   node bench/evidence.ts [--days 60] [--measured 100000] [--batch 200] [--rules] [--json]
 *
 * With `--rules` the shipped rules also judge each event that they may judge, with its windows.
 */
import { createHash } from "node:crypto";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createEventLog, eventLogMigration, eventMaker, type Envelope } from "../src/event/index.ts";
import { createEvidence, evidenceMigration } from "../src/evidence/index.ts";
import { DAY_MS } from "../src/lib/clock.ts";
import { Database } from "../src/platform/database.ts";
import { createEmbeddedEngine, loadRules } from "../src/rules/index.ts";
import { machine } from "./machine.ts";
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
const PROVIDERS = ["gmail", "gmail", "microsoft", "yahoo", "other"];
/** Mails a day. */
const MEMBERS = [
  ...Array<number>(40).fill(10),
  ...Array<number>(15).fill(50),
  ...Array<number>(4).fill(500),
  5_000,
];

/** mulberry32. */
let state = 7;
function random(): number {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}
const idOf = (what: string) => createHash("sha256").update(what).digest("base64url").slice(0, 22);

let at = START;
let n = 0;
const make = eventMaker(
  () => at,
  () => String(n),
);

/** Mail by mail, in the order of time: of each member as many as it sends. 99 of 100 are delivered. */
function* stream(): Generator<Envelope> {
  const sum = MEMBERS.reduce((all, rate) => all + rate, 0);
  for (;;) {
    at += Math.round(((-Math.log(1 - random()) * DAY_MS) / sum) * 1);
    let left = random() * sum;
    const i = MEMBERS.findIndex((rate) => (left -= rate) < 0);
    const did = `did:plc:${idOf(`member ${i}`).toLowerCase()}aa`;
    const person = Math.floor(random() * MEMBERS[i]! * 40);
    const provider = PROVIDERS[person % PROVIDERS.length]!;
    const recipient = {
      key: idOf(`${i} ${person}`),
      domain: provider === "other" ? `d${person % 500}.test` : `${provider}.com`,
      first_time: random() < 0.3,
    };
    const id = idOf(`message ${n}`).slice(0, 16);
    const message = {
      id,
      size: 9_000,
      recipients: 1,
      stream: "transactional",
      received_at: at,
      template: `t${person % 4}`,
    };
    const base = { member: { did, domain: `m${i}.test` }, credential: `c${i}` };
    n++;
    yield make("message_accepted", {
      ...base,
      dedupe_key: `accepted:${id}`,
      message: { ...message, template_known: true, first_time: recipient.first_time ? 1 : 0 },
      recipients: [recipient],
    });
    const hard = random() < 0.02;
    const smtp = {
      code: hard ? 550 : 250,
      enhanced: hard ? "5.1.1" : "2.0.0",
      text: "2.0.0 Ok: queued as 4XyZ1234",
      provider,
      class: hard ? ("bad-mailbox" as const) : ("ok" as const),
      fault: hard ? ("recipient" as const) : ("none" as const),
    };
    n++;
    yield make(hard ? "recipient_bounced" : "recipient_delivered", {
      ...base,
      dedupe_key: `attempt:${id}:1`,
      recipient,
      message,
      smtp,
      detail: { attempt: 1 },
    });
    if (hard || random() >= 0.0005) continue;
    n++;
    yield make("complaint_received", { ...base, dedupe_key: `complaint:${id}`, recipient, message, smtp });
  }
}

const directory = await mkdtemp(join(tmpdir(), "atmos-bench-evidence-"));
const db = new Database(join(directory, "core.sqlite"), [eventLogMigration, evidenceMigration]);
const log = createEventLog(db);
const evidence = createEvidence(db);
const rules = values.rules
  ? createEmbeddedEngine(await loadRules(join(import.meta.dirname, "../rules")))
  : undefined;
const events = stream();
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
  const batch = Array.from({ length: BATCH }, () => events.next().value as Envelope);
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
