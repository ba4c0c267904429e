import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { SMTPServer } from "smtp-server";
import { afterEach, expect, it } from "vitest";
import { MovableClock } from "../lib/clock.ts";
import { createAuthority } from "./certificates.ts";
import { seedOperators } from "./operators.ts";
import { DAY_MS, planDay } from "./plan.ts";
import { createTraffic, type Progress } from "./traffic.ts";

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).toReversed()) await one.close();
});

const START = 20_000 * DAY_MS;
const mailDomains = ["bigmail.test", "post.test"];

/** A submission server that knows three operators and refuses dead addresses. */
async function relay(clock: MovableClock) {
  const authority = createAuthority();
  const taken: { user: string; at: number; to: string; raw: string }[] = [];
  let connections = 0;
  let busiest = 0;
  const server = new SMTPServer({
    ...authority.issue(["smtp.pool.test"]),
    secure: true,
    disableReverseLookup: true,
    closeTimeout: 100,
    onAuth({ username, password }, _session, callback) {
      connections++;
      if (password !== `secret of ${username}`) return callback(new Error("No"));
      callback(null, { user: username });
    },
    onRcptTo({ address }, _session, callback) {
      if (!address.startsWith("bounce")) return callback();
      callback(Object.assign(new Error("5.1.1 suppressed"), { responseCode: 550 }));
    },
    onData(stream, session, callback) {
      const at = clock.now();
      const chunks: Buffer[] = [];
      busiest = Math.max(busiest, server.connections.size);
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        const raw = Buffer.concat(chunks).toString();
        taken.push({ user: String(session.user), at, to: session.envelope.rcptTo[0]!.address, raw });
        callback();
      });
    },
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  open.push({ close: () => new Promise<void>((done) => server.close(done)) });
  const { port } = server.server.address() as AddressInfo;
  const submission = {
    host: "127.0.0.1",
    port,
    secure: true,
    servername: "smtp.pool.test",
    ca: authority.cert,
  };
  return { submission, taken, facts: () => ({ connections, busiest }) };
}

it("submits a day's mail as the operators would, moving the clock along", async () => {
  const clock = new MovableClock(START);
  const { submission, taken, facts } = await relay(clock);
  const operators = seedOperators()
    .filter((one) => one.perDay < 20 || one.trait === "dead-addresses")
    .slice(0, 4)
    .map((one) => ({
      ...one,
      username: one.domain,
      secret: `secret of ${one.domain}`,
      from: `no-reply@${one.domain}`,
    }));
  const progress: Progress[] = [];
  let settled = 0;
  const traffic = createTraffic({
    operators,
    clock,
    submission,
    mailDomains,
    onProgress: (one) => progress.push(one),
    settle: async () => void settled++,
  });
  open.push(traffic);
  const plan = planDay({ operators, day: 20_000, mailDomains });
  const noon = START + DAY_MS / 2;
  const morning = await traffic.playUntil(noon);
  expect(clock.now()).toBe(noon);
  const rest = await traffic.playUntil(START + DAY_MS);
  expect(clock.now()).toBe(START + DAY_MS);

  const refused = plan.filter((mail) => mail.to.startsWith("bounce")).length;
  expect(morning.accepted + rest.accepted).toBe(plan.length - refused);
  expect(morning.refused + rest.refused).toBe(refused);
  expect(morning.failed + rest.failed).toBe(0);
  expect(progress).toHaveLength(plan.length);
  expect(settled).toBeGreaterThan(5);
  expect(facts().connections).toBe(operators.length);

  const accepted = plan.filter((mail) => !mail.to.startsWith("bounce"));
  expect(taken.map((mail) => `${mail.user} ${mail.to}`).sort()).toEqual(
    accepted.map((mail) => `${mail.domain} ${mail.to}`).sort(),
  );
  for (const { at, raw } of taken) {
    const dated = Date.parse(/^Date: (.*)\r$/m.exec(raw)![1]!);
    expect(at).toBeGreaterThanOrEqual(dated);
    expect(at - dated).toBeLessThan(3_600_000);
    expect(raw).toMatch(/^Subject: (Email Confirmation|Password Reset Requested|Email Update Requested)\r$/m);
  }
});

it("tells a refusal from a relay that is not there, and stops when told", async () => {
  const clock = new MovableClock(START);
  const { submission } = await relay(clock);
  const [one] = seedOperators();
  const operators = [{ ...one!, username: "x", secret: "wrong", from: `no-reply@${one!.domain}` }];
  const traffic = createTraffic({ operators, clock, submission, mailDomains });
  open.push(traffic);
  const stop = new AbortController();
  const first = planDay({ operators, day: 20_000, mailDomains })[0]!;
  const { accepted, refused } = await traffic.playUntil(first.at + 1, stop.signal);
  expect({ accepted, refused }).toEqual({ accepted: 0, refused: 1 });
  const nowhere = createTraffic({
    operators,
    clock: new MovableClock(START),
    submission: { ...submission, port: 1 },
    mailDomains,
  });
  open.push(nowhere);
  expect(await nowhere.playUntil(first.at + 1)).toEqual({ accepted: 0, refused: 0, failed: 1 });
  stop.abort();
  expect(await traffic.playUntil(first.at + DAY_MS, stop.signal)).toEqual({
    accepted: 0,
    refused: 0,
    failed: 0,
  });
  expect(clock.now()).toBe(first.at + 1);
});

it("follows a clock that runs by itself, mail by mail", async () => {
  const clock = new MovableClock(START);
  const { submission, taken } = await relay(clock);
  const [one] = seedOperators().filter((operator) => !operator.trait);
  const operators = [
    { ...one!, username: one!.domain, secret: `secret of ${one!.domain}`, from: `no-reply@${one!.domain}` },
  ];
  const traffic = createTraffic({ operators, clock, submission, mailDomains });
  open.push(traffic);
  const stop = new AbortController();
  const following = traffic.follow(stop.signal);
  const [first, second] = planDay({ operators, day: 20_000, mailDomains }).filter(
    (m) => !m.to.startsWith("bounce"),
  );
  clock.advanceTo(first!.at - 1);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(taken).toHaveLength(0);
  clock.advanceTo(second!.at);
  await expect.poll(() => taken.length).toBe(2);
  stop.abort();
  await following;
});
