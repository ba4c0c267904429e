import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { freePorts, startSandbox, type Sandbox } from "../src/devnet/index.ts";
import { silentLog } from "../src/platform/log.ts";

const dir = mkdtempSync(join(tmpdir(), "atmos-restore-"));
const file = join(dir, "atmos", "labeler.sqlite");
const copy = join(dir, "labeler-backup.sqlite");
const now = Date.UTC(2026, 5, 1, 12);
let sandbox: Sandbox;

async function start(): Promise<void> {
  sandbox = await startSandbox({
    dir,
    rulesDir: join(import.meta.dirname, "../rules"),
    log: silentLog,
    ports: await freePorts(),
    operators: [
      { name: "Alder", domain: "alder.test", perDay: 10 },
      { name: "Nettle", domain: "nettle.test", perDay: 10 },
    ],
    now,
    days: 0,
  });
  await sandbox.settle();
}
afterAll(async () => {
  await sandbox.close();
  rmSync(dir, { recursive: true });
});

const didOf = (domain: string) => sandbox.serve.core!.members.domain(domain)!.did;
const labelsOf = (domain: string) =>
  sandbox.serve.labeler!.labels.inForceOf(didOf(domain)).map(({ label }) => label.val);
/** So that the clock is past all that was said. */
const later = () => sandbox.clock.advance(60_000);

test("a labeler that is put back to an older database does not vouch again for who was suspended since", async () => {
  await start();
  expect(labelsOf("alder.test")).toContain("relay-member");
  const before = sandbox.serve.labeler!.labels.lastSeq();
  later();
  await sandbox.close();
  cpSync(file, copy);

  await start();
  await sandbox.serve.core!.decide(didOf("alder.test"), "suspended", { by: "rosa", why: "for the test" });
  await sandbox.settle();
  expect(labelsOf("alder.test")).toEqual([]);
  const lost = sandbox.serve.labeler!.labels.lastSeq();
  expect(lost).toBeGreaterThan(before);
  later();
  await sandbox.close();
  for (const end of ["-wal", "-shm"]) rmSync(file + end, { force: true });
  cpSync(copy, file);

  await start();
  expect(labelsOf("alder.test")).toEqual([]);
  expect(labelsOf("nettle.test")).toContain("relay-member");
  const negations = sandbox.serve
    .labeler!.labels.history(didOf("alder.test"))
    .filter(({ label, seq }) => label.neg && seq > before);
  expect(negations.length).toBeGreaterThan(0);
  for (const { seq } of negations) expect(seq).toBeGreaterThan(lost);
});
