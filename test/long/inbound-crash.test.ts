import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTransport } from "nodemailer";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Envelope } from "../../src/event/index.ts";
import { bounceOf, delivered, openInbox, tokenKey } from "../../src/feedback/node.fixture.ts";
import { makeReturnPath, makeToken } from "../../src/protocol/verp/index.ts";
import { createSpool } from "../../src/spool/index.ts";

const MAILS = 5;
/** Milliseconds after a mail is there and before it is answered at which the process is killed; null: it lives. */
const KILLED = [0, null, 1, 2, null, 0, 3, 5, null, 8];

const idOf = (n: number) => `aaaabbbbccccdd${"abcdefghijklmnop"[n]}a`;
let dir: string;
let child: ChildProcess | undefined;
beforeEach(() => void (dir = mkdtempSync(join(tmpdir(), "atmos-inbound-crash-"))));
afterEach(() => {
  child?.kill("SIGKILL");
  rmSync(dir, { recursive: true, force: true });
});

async function start(): Promise<{ child: ChildProcess; port: number }> {
  const started = fork(join(import.meta.dirname, "inbound-crash.child.ts"), [dir], { execArgv: [] });
  child = started;
  const [{ port }] = (await once(started, "message")) as [{ port: number }];
  return { child: started, port };
}

async function fill(): Promise<void> {
  const spool = await createSpool({ path: join(dir, "spool.sqlite") });
  for (let n = 0; n < MAILS; n++)
    await delivered(spool, { [idOf(n)]: `r${n}@a.test` }, `mmmmmmmmmmmmmm${"abcdefghijklmnop"[n]}a`);
  await spool.close();
}

test("killed between the mail and its record, what was not answered comes again and is there once", async () => {
  await fill();
  let kills = 0;
  let running = await start();
  for (let n = 0; n < MAILS; n++) {
    const to = [makeReturnPath(makeToken(idOf(n), tokenKey), "bounce.pool.test"), "abuse@pool.test"];
    const raw = [bounceOf(`r${n}@a.test`), `From: ada@a.test\r\nSubject: ${n}\r\n\r\nHello\r\n`];
    for (const [i, address] of to.entries()) {
      let wait: number | null = KILLED[2 * n + i]!;
      for (let tries = 0; ; tries++) {
        const { child: process, port } = running;
        if (wait !== null && tries === 0) {
          const after = wait;
          process.once("message", () => void setTimeout(() => process.kill("SIGKILL"), after));
        }
        const transport = createTransport({ host: "127.0.0.1", port, tls: { rejectUnauthorized: false } });
        const sent = await transport
          .sendMail({ envelope: { from: "ada@a.test", to: address }, raw: raw[i]! })
          .then(() => true)
          .catch(() => false);
        if (wait !== null && tries === 0) {
          if (process.signalCode === null && process.exitCode === null) await once(process, "exit");
          kills++;
          running = await start();
        }
        if (sent) break;
        wait = null;
        expect(tries).toBeLessThan(3);
      }
    }
  }
  running.child.kill("SIGKILL");
  await once(running.child, "exit");
  expect(kills).toBeGreaterThan(5);

  const spool = await createSpool({ path: join(dir, "spool.sqlite") });
  const events = (await spool.outbox.read(1_000)).map((row) => JSON.parse(row.envelope) as Envelope);
  await spool.close();
  expect(events.map(({ data }) => data.data.dedupe_key).toSorted()).toEqual(
    Array.from({ length: MAILS }, (_, n) => `bounce:${idOf(n)}`).toSorted(),
  );
  const kept = openInbox(join(dir, "inbox.sqlite"));
  const subjects = kept.inbox.list({}, { limit: 100 }).map(({ subject }) => subject);
  kept.close();
  expect(subjects.toSorted()).toEqual(Array.from({ length: MAILS }, (_, n) => String(n)).toSorted());
}, 120_000);
