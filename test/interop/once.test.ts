import { afterAll, beforeAll, expect, test } from "vitest";
import { alteredBuild } from "./altered.ts";
import { startCooperative, tellLogOnFailure, type Cooperative, type Member } from "./cooperative.ts";
import { until } from "./servers/process.ts";
import { attach } from "./servers/strace.ts";

/*
 * The HTTP API with an idempotency key, killed in the middle: whoever asks again with the same key has one message,
 * wherever the kill was. Where it was in front of a system call strace does it, as in crash-points.test.ts.
 */

/** Nobody receives there, so that what was taken stays in the spool. */
const NOBODY = "127.0.0.33";

let coop: Cooperative;
let member: Member;

beforeAll(async () => {
  coop = await startCooperative();
  coop.receives("sink.test", NOBODY);
  member = await coop.join("alder.test", { address: NOBODY, tier: "trusted" });
}, 300_000);
afterAll(() => coop?.stop());
tellLogOnFailure(() => coop?.product);

type Answer = { status: number; id: string };

/** One login code for `to`, under its own key. Rejects when the connection breaks. */
async function post(to: string): Promise<Answer> {
  const response = await fetch(`${coop.product.url}/v1/messages`, {
    method: "POST",
    headers: {
      authorization: `Basic ${Buffer.from(`${member.username}:${member.secret}`).toString("base64")}`,
      "content-type": "application/json",
      "idempotency-key": `key-of-${to}`,
    },
    body: JSON.stringify({
      from: `noreply@${member.domain}`,
      to: [to],
      subject: "Your code",
      text: "It is 123456.",
      category: "login-link",
    }),
    signal: AbortSignal.timeout(20_000),
  });
  return { status: response.status, ...((await response.json()) as { id: string }) };
}

/** Ids of the messages in the spool to this address. */
async function kept(to: string): Promise<string[]> {
  const { entries } = (await coop.product.cli("queue", "list", "--to", to)) as {
    entries: { messageId: string }[];
  };
  return entries.map(({ messageId }) => messageId);
}

/** After the kill: what is in the spool, and what two more requests with the same key make of it. */
async function expectOnce(to: string, before?: string[]): Promise<void> {
  const first = await post(to);
  const second = await post(to);
  expect([first.status, second.status]).toEqual([202, 202]);
  expect(second.id).toBe(first.id);
  expect(await kept(to)).toEqual([first.id]);
  if (before?.length) expect(first.id).toBe(before[0]);
}

test("killed between the commit of the spool and the answer: the same key has the same message", async () => {
  await using fatal = await alteredBuild(
    "relay/submission/transaction.js",
    "const accepted = await spool.accept(",
    "const accepted = await (async (acceptance) => " +
      "{ await spool.accept(acceptance); process.kill(process.pid, 'SIGKILL'); return new Promise(() => {}); })(",
  );
  await coop.product.terminate();
  await coop.product.start(fatal.program);
  const to = "between@sink.test";
  await expect(post(to)).rejects.toThrow();
  expect(await coop.product.ended()).toBeNull();
  await coop.product.start();
  const before = await kept(to);
  expect(before).toHaveLength(1);
  await expectOnce(to, before);
});

test.each([
  ["pwrite64", 1],
  ["pwrite64", 3],
  ["fsync", 1],
  ["fdatasync", 1],
  ["write", 1],
  ["write", 3],
  ["writev", 1],
  ["futex", 2],
  ["epoll_pwait", 2],
  ["epoll_pwait", 4],
] as const)("killed in front of %s, the %i. time: one message, with one id", async (call, n) => {
  const to = `${call}-${n}@sink.test`;
  const traced = await attach(coop.product.pid(), {
    trace: [call],
    inject: [`${call}:signal=KILL:when=${n}`],
  });
  let dead = false;
  const ended = coop.product.ended().then(() => (dead = true));
  const answer = await post(to).catch(() => undefined);
  // What was answered before the kill stays answered.
  if (answer) expect(answer.status).toBe(202);
  if (!dead) await coop.product.kill();
  await ended;
  await traced.stop();
  await coop.product.start();
  await until("the API", () => fetch(`${coop.product.url}/v1/openapi.json`).then((r) => r.ok));
  await expectOnce(to, answer ? [answer.id] : await kept(to));
});
