import { expect, test } from "vitest";
import type { AttemptView, MessageView } from "../../src/spool/index.ts";
import { openCore } from "../../src/roles/core/core.fixture.ts";
import { createExportDesk } from "../../src/roles/member-export.ts";
import { createProofDesk } from "../../src/roles/member-proof.ts";

const MESSAGES = 1_000_000;
const MOST_GROWTH = 200 * 1024 * 1024;
const did = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";

function message(seq: number): MessageView {
  const recipient = {
    id: `r${seq}`,
    address: `person${seq}@mail.test`,
    domain: "mail.test",
    state: "delivered",
  };
  return {
    seq,
    id: `m${seq}`,
    did,
    sender: "noreply@ada.test",
    receivedAt: Date.UTC(2026, 0, 1) + seq,
    recipients: [{ ...recipient, attempts: 1, orcpt: null, waits: null }],
  } as unknown as MessageView;
}

const attempt = (id: string) =>
  ({
    recipientId: id.replace("m", "r"),
    at: Date.UTC(2026, 0, 1),
    code: 250,
    text: `250 2.0.0 OK ${id}`,
    transcript: `EHLO mail.coop.test\n250 SIZE\nMAIL FROM:<bounce+${id}@coop.test>\n250 OK\n250 2.0.0 OK ${id}`,
  }) as unknown as AttemptView;

test("a log of a million messages is handed out without being held", { timeout: 300_000 }, async () => {
  const here = await openCore(Date.UTC(2026, 0, 1));
  const { core, clock } = here;
  core.admission.join(did, "Ada");
  let asked = 0;
  const spool = {
    messages: async (_: string, { before = MESSAGES + 1, limit = 50 } = {}) => {
      const first = Math.min(before - 1, MESSAGES);
      asked += Math.min(limit, first);
      return Array.from({ length: Math.min(limit, first) }, (_unused, i) => message(first - i));
    },
    attempts: async (id: string) => [attempt(id)],
    toldTo: async () => [],
  };
  const parts = { core, clock, labeler: undefined, policyBook: undefined, providers: undefined };
  const proofs = createProofDesk({ core, clock, labeler: undefined, domain: "coop.test" });
  const made = createExportDesk({ ...parts, spool, proofs }).of(did, { whole: true });
  if ("error" in made) throw new Error(made.message);
  const before = process.memoryUsage().rss;
  let [bytes, highest] = [0, 0];
  for await (const piece of made.bytes) {
    bytes += piece.length;
    highest = Math.max(highest, process.memoryUsage().rss - before);
  }
  expect(asked).toBe(MESSAGES);
  expect(bytes).toBeGreaterThan(10_000_000);
  expect(highest).toBeLessThan(MOST_GROWTH);
  await here.close();
});
