import { fork } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { appendToOutbox, eventMaker, outboxMigration, type Envelope } from "../../src/event/index.ts";
import { busMigration } from "../../src/platform/bus/index.ts";
import { Database } from "../../src/platform/database.ts";
import { openCore } from "../../src/roles/core/core.fixture.ts";
import { coreMigrations } from "../../src/roles/core/index.ts";

const EVENTS = 700;
/** After so many batches a process is killed; the last one ends by itself. */
const KILLED_AFTER = [3, 11, 6, 20, 9, 14];
const START = Date.UTC(2026, 0, 1);
const EVERY_MS = 10 * 60_000;
const NOW = START + EVENTS * EVERY_MS;
const NAMES = ["sound", "careless", "disliked", "broken", "stolen"] as const;
type Name = (typeof NAMES)[number];
const didOf = (name: Name) => `did:plc:${name.padEnd(24, "a")}`;

let root: string;
beforeEach(() => void (root = mkdtempSync(join(tmpdir(), "atmos-crash-"))));
afterEach(() => rmSync(root, { recursive: true, force: true }));

async function run(dir: string, killAfter: number): Promise<NodeJS.Signals | number> {
  const child = fork(join(import.meta.dirname, "core-crash.child.ts"), [dir, String(NOW)], { execArgv: [] });
  let batches = 0;
  child.on("message", () => {
    if (++batches === killAfter) child.kill("SIGKILL");
  });
  const [code, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
  return signal ?? code ?? -1;
}

/** Members with a domain, a credential and a receiver. Their credentials. */
async function members(dir: string): Promise<Record<Name, string>> {
  const db = new Database(join(dir, "core.sqlite"), [busMigration, ...coreMigrations]);
  const here = await openCore(START - 40 * 86_400_000, { db });
  const made: [Name, string][] = [];
  for (const name of NAMES) {
    const did = didOf(name);
    here.core.admission.join(did, name);
    await here.core.members.addDomain(did, `${name}.test`);
    here.core.members.setDomainStatus(`${name}.test`, "active");
    const credential = here.core.members.createCredential(did, [`${name}.test`]);
    if ("error" in credential) throw new Error(credential.error);
    made.push([name, credential.id]);
    here.core.webhooks.set(did, `https://${name}.test/`, "ada");
  }
  await here.close();
  return Object.fromEntries(made) as Record<Name, string>;
}

/** What brings about changes of standing, notes, pauses, holds and cases, between mail that is well. */
function history(credentials: Record<Name, string>): Envelope[] {
  let at = START;
  let n = 0;
  const make = eventMaker(
    () => at,
    () => String(n),
  );
  return Array.from({ length: EVENTS }, (_, i) => {
    at = START + i * EVERY_MS;
    n = i;
    const name = NAMES[i % NAMES.length]!;
    const turn = Math.floor(i / NAMES.length);
    const about = {
      dedupe_key: `fact ${i}`,
      member: { did: didOf(name), domain: `${name}.test` },
      credential: credentials[name],
    };
    const mail = {
      ...about,
      recipient: { key: `r${i}`, domain: "there.test", first_time: false },
      message: {
        id: `m${i}`,
        size: 1,
        recipients: 1,
        stream: "transactional" as const,
        received_at: at - 1_000,
      },
    };
    const smtp = {
      code: 250,
      enhanced: "2.0.0",
      text: "Ok",
      provider: "yahoo",
      class: "ok",
      fault: "none",
    } as const;
    const delivered = () => make("recipient_delivered", { ...mail, smtp });
    const refusal = {
      ...smtp,
      code: 550,
      enhanced: "5.1.1",
      class: "bad-mailbox",
      fault: "recipient",
    } as const;
    switch (name) {
      case "careless":
        return turn % 2 === 0 ? delivered() : make("recipient_bounced", { ...mail, smtp: refusal });
      case "disliked":
        return turn % 4 === 0 ? make("complaint_received", { ...mail, smtp }) : delivered();
      case "broken": {
        const result = turn % 20 < 10 ? "verified" : "broken";
        const findings = [{ severity: "fail", message: "No record" }];
        return make("domain_checked", { ...about, detail: { summary: result, result, findings } });
      }
      case "stolen":
        return turn % 30 === 29
          ? make("member_paused", { ...about, detail: { cause: "content", pause_at: at } })
          : delivered();
      default:
        return make("message_accepted", mail);
    }
  });
}

/** Columns that are the same in whatever process they were written, of each table that is about members. */
const BOOKS: Record<string, string> = {
  event: "dedupe_key, did, action, at",
  outcome: "member, at, key, hard",
  handed_in: "member, sent_at, message",
  handed_in_day: "member, day, recipients",
  complaint: "member, message, at",
  domain_check: "member, domain, at, passed",
  pause_fact: "member, at, cause, begun, ended",
  standing_fact: "member, at, standing",
  volume: "*",
  verdict: "did, rule, description",
  standing: "*",
  standing_change: "id, did, from_standing, to_standing, at, cause, evidence",
  domain_hold: "*",
  pause: "id, did, cause, at, last_at, ended_at",
  committee_case: "id, did, kind, about, opened_at, due_at, decided_at",
  note: "skey, rkey, at",
  member_mail: "about, did, at, state",
  webhook_message: "about, did, type, state, tries",
};

function booksIn(dir: string): Record<string, unknown[]> {
  const db = new Database(join(dir, "core.sqlite"), [], { readOnly: true });
  const books = Object.entries(BOOKS).map(
    ([table, columns]) => [table, db.all(`SELECT ${columns} FROM ${table} ORDER BY 1, 2, 3`)] as const,
  );
  db.close();
  return Object.fromEntries(books);
}

test("killed again and again, core has every event once, and all that follows from it once", async () => {
  const [killed, whole] = [join(root, "killed"), join(root, "whole")];
  const events = history(await members(killed));
  const outbox = new Database(join(killed, "outbox.sqlite"), [outboxMigration]);
  outbox.transaction(() => appendToOutbox(outbox, events));
  outbox.close();
  cpSync(killed, whole, { recursive: true });
  expect(await run(whole, Infinity)).toBe(0);

  for (const killAfter of KILLED_AFTER) expect(await run(killed, killAfter)).toBe("SIGKILL");
  expect(await run(killed, Infinity)).toBe(0);

  const [books, expected] = [booksIn(killed), booksIn(whole)];
  for (const table of Object.keys(BOOKS)) {
    expect(expected[table]!.length, `rows of ${table}`).toBeGreaterThan(0);
    expect(books[table], table).toEqual(expected[table]);
  }
  const told = new Set((books["event"] as { dedupe_key: string }[]).map(({ dedupe_key }) => dedupe_key));
  expect(events.every(({ data }) => told.has(data.data.dedupe_key))).toBe(true);
}, 120_000);
