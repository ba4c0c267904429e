import { createHash } from "node:crypto";
import { eventMaker, type Envelope } from "../src/event/index.ts";
import { DAY_MS } from "../src/lib/clock.ts";

const PROVIDERS = ["gmail", "gmail", "microsoft", "yahoo", "other"];

const idOf = (what: string) => createHash("sha256").update(what).digest("base64url").slice(0, 22);

const memberOf = (i: number) => `did:plc:${idOf(`member ${i}`).toLowerCase()}aa`;

/** mulberry32. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * What relay nodes tell of members' mail, in the order of time, the same in every run: of each member as many a day as
 * `rates` says. 98 of 100 are delivered, at once. `told`: of each event, its time.
 */
export function* mailStream(
  rates: readonly number[],
  start: number,
  told: (at: number) => void = () => {},
): Generator<Envelope, never> {
  const random = seeded(7);
  let [at, n] = [start, 0];
  const maker = eventMaker(
    () => at,
    () => String(n),
  );
  const make: typeof maker = (...args) => {
    n++;
    told(at);
    return maker(...args);
  };
  const upTo: number[] = [];
  let sum = 0;
  for (const rate of rates) upTo.push((sum += rate));
  for (;;) {
    at += Math.round((-Math.log(1 - random()) * DAY_MS) / sum);
    const drawn = random() * sum;
    const i = firstAbove(upTo, drawn);
    const person = Math.floor(random() * rates[i]! * 40);
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
    const base = { member: { did: memberOf(i), domain: `m${i}.test` }, credential: `c${i}` };
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
    yield make(hard ? "recipient_bounced" : "recipient_delivered", {
      ...base,
      dedupe_key: `attempt:${id}:1`,
      recipient,
      message,
      smtp,
      detail: { attempt: 1 },
    });
    if (hard || random() >= 0.0005) continue;
    yield make("complaint_received", { ...base, dedupe_key: `complaint:${id}`, recipient, message, smtp });
  }
}

function firstAbove(sorted: readonly number[], value: number): number {
  let [low, high] = [0, sorted.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! > value) high = middle;
    else low = middle + 1;
  }
  return low;
}
