import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { seededRandom } from "../../src/devnet/random.ts";
import { startCooperative, tellLogOnFailure, type Cooperative, type Member } from "./cooperative.ts";
import { until } from "./servers/process.ts";
import { startSink, type Sink } from "./sink.ts";
import { compose, CutError, openSubmission } from "./submission.ts";

/** Another seed: CRASH_SEED=… */
const SEED = process.env["CRASH_SEED"] ?? String(Date.now());
const ROUNDS = 10;
const MEMBERS = 5;
const CLIENTS_OF_A_MEMBER = 2;
/** A trusted member has 300 in five minutes, its domain as many an hour as it; what all rounds submit stays below. */
const MESSAGES_OF_A_CLIENT = 14;
/** From the round's first 250 to the kill, at most. */
const LONGEST_MS = 800;
/** What was taken longer before the kill must have been recorded. Kills are seconds apart. */
const RECORDED_WITHIN_MS = 1_000;
const isSoon = (ms: number) => ms < RECORDED_WITHIN_MS;
/** Beyond 128 KiB a body is a file beside the database. */
const LARGE = "A line of a large message, which is longer than the others.\r\n".repeat(2_800);
const MAILBOXES = "127.0.0.27";

let coop: Cooperative;
let sink: Sink;
const members: Member[] = [];

beforeAll(async () => {
  coop = await startCooperative();
  sink = await startSink(
    { host: MAILBOXES, port: coop.deliveryPort },
    await coop.authority.issue("mx.sink.test"),
  );
  coop.receives("sink.test", MAILBOXES);
  for (let i = 0; i < MEMBERS; i++) {
    members.push(await coop.join(`member${i}.test`, { address: MAILBOXES, tier: "trusted" }));
  }
}, 300_000);
afterAll(async () => {
  await coop?.stop();
  await sink?.stop();
});
tellLogOnFailure(() => coop?.product);

/** What became of the submissions, by Message-ID. */
const acknowledged = new Map<string, { to: string; large: boolean }>();
/** Cut after the final dot: the product may have it, or not. */
const unknown = new Set<string>();
/** Cut before it. */
const unfinished = new Set<string>();
const refused: string[] = [];

/** Submits until all is sent or the server is gone. */
async function submitAll(member: Member, round: number, client: number, onAck: () => void): Promise<void> {
  const from = `noreply@${member.domain}`;
  let id = "";
  try {
    const connection = await openSubmission(coop, member);
    for (let n = 0; n < MESSAGES_OF_A_CLIENT; n++) {
      id = `r${round}.c${client}.n${n}@${member.domain}`;
      // They are known after the first round: of an unseen template only some go to whoever is new to a member.
      const to = `reader${client}@sink.test`;
      const large = n % 7 === 3;
      unfinished.add(id);
      const body = large ? { body: LARGE } : {};
      const reply = await connection.send(from, to, compose({ from, to, subject: "Load", id, ...body }));
      unfinished.delete(id);
      if (!reply.startsWith("250 ")) refused.push(`${id}: ${reply}`);
      else {
        acknowledged.set(id, { to, large });
        onAck();
      }
    }
    await connection.quit();
  } catch (error) {
    if (error instanceof CutError) {
      if (error.phase === "." && unfinished.delete(id)) unknown.add(id);
    } else if ((error as NodeJS.ErrnoException).code !== "ECONNREFUSED") throw error;
  }
}

test(
  `no acknowledged message is lost in ${ROUNDS} kills at random moments under load`,
  { timeout: 240_000 },
  async ({ onTestFailed }) => {
    onTestFailed(() => void process.stderr.write(`Again with: CRASH_SEED=${SEED}\n`));
    const kills: number[] = [];
    const random = seededRandom(`crash ${SEED}`);
    for (let round = 0; round < ROUNDS; round++) {
      const first = Promise.withResolvers<void>();
      const load = Promise.all(
        members.flatMap((member, m) =>
          Array.from({ length: CLIENTS_OF_A_MEMBER }, (_, c) =>
            submitAll(member, round, m * CLIENTS_OF_A_MEMBER + c, () => first.resolve()),
          ),
        ),
      );
      await first.promise;
      // Early ones hit submissions, late ones deliveries.
      await pause(Math.round(random() * LONGEST_MS));
      await coop.product.kill();
      kills.push(Date.now());
      await load;
      await coop.product.start();
    }

    const missing = () => [...acknowledged.keys()].filter((id) => sink.byMessageId(id).length === 0);
    await until("every acknowledged message", () => missing().length === 0, 60_000).catch(() => undefined);
    expect(missing()).toEqual([]);
    // Then nothing is under way any more: it ends when it has finished what it does.
    expect(await coop.product.terminate()).toBe(0);

    expect(refused).toEqual([]);
    const known = new Set([...acknowledged.keys(), ...unknown]);
    expect(sink.copies.filter(({ messageId }) => !known.has(messageId))).toEqual([]);
    for (const [id, { to, large }] of acknowledged) {
      for (const copy of sink.byMessageId(id)) {
        expect(copy.to).toBe(to);
        expect(copy.size > LARGE.length).toBe(large);
      }
    }

    // A message may come again only where its result could not be known or written down any more: its conversation
    // was cut by the kill, or had just ended (QUIT does not wait for the record).
    const cut: number[] = [];
    const ended: number[] = [];
    for (const id of known) {
      for (const { at, conversation } of sink.byMessageId(id).slice(0, -1)) {
        const killedAfter = Math.min(...kills.map((kill) => kill - at).filter((ms) => ms > -500));
        expect({ id, killedAfter }).toMatchObject({ killedAfter: expect.toSatisfy(isSoon) });
        (conversation.quit ? ended : cut).push(killedAfter);
      }
    }
    const taken = [...unknown].filter((id) => sink.byMessageId(id).length > 0).length;
    process.stdout.write(
      `seed ${SEED}: ${acknowledged.size} acknowledged, all arrived; ${cut.length} came again after a conversation ` +
        `that was cut, ${ended.length} after one that had ended, the first copy at most ` +
        `${Math.max(0, ...cut, ...ended)} ms before the kill; ${unknown.size} submissions cut after the final dot, ` +
        `of which ${taken} arrived; ${unfinished.size} cut before it\n`,
    );
    // Otherwise the kills hit nothing, and the test proved nothing.
    expect(acknowledged.size).toBeGreaterThan(50);
    expect(unknown.size + unfinished.size).toBeGreaterThan(0);
  },
);
