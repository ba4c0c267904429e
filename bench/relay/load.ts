/**
 * The load generator, the same for both sides, in a process of its own: implicit TLS, AUTH PLAIN, pipelined
 * envelopes, one message after another on each connection. Takes one `Load` by IPC, answers with one `LoadResult`.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { Address } from "../../test/interop/servers/process.ts";
import { bodyOf, logIn } from "../smtp-client.ts";
import type { Login } from "../sides.ts";

export type Load = {
  to: Address;
  /** Taken in turn, one for each connection, from `firstLogin` on: no member meets its limit. */
  logins: Login[];
  firstLogin: number;
  messages: number;
  connections: number;
  /** 1: a connection for each message, as most applications send. */
  perConnection: number;
  /** Octets of a message. */
  size: number;
  /** Of so many different recipients. */
  recipients: number;
  recipientDomains: string[];
  /** Each connection writes to one recipient of each of so many of the domains, which are its login's own. */
  spread?: number;
  /** Open loop: so many messages are due a second, whatever becomes of those before. Default: one after another. */
  perSecond?: number;
};

export type LoadResult = {
  accepted: number;
  refused: Record<string, number>;
  /** When the first connection was made, ms since the epoch, and how long it took to the last 250. */
  startedAt: number;
  seconds: number;
  /** Milliseconds from the final dot to its 250. */
  p50: number;
  p99: number;
  /** Open loop: from when it was due to its 250. */
  p99Due: number;
  /** Logins that were used; the next load begins after them. */
  sessions: number;
};

async function generate(load: Load): Promise<LoadResult> {
  const body = bodyOf(load.size);
  const latencies: number[] = [];
  const sinceDue: number[] = [];
  const refused: Record<string, number> = {};
  let next = 0;
  let sessions = 0;

  /** The recipient of message `n`, the `sent`th on the connection of the login at `index`. */
  function recipient(n: number, index: number, sent: number): string {
    const { recipients, recipientDomains: domains, spread } = load;
    if (spread === undefined) return `r${n % recipients}@${domains[n % domains.length]}`;
    return `r${index}@${domains[(index * spread + (sent % spread)) % domains.length]}`;
  }

  async function session(index: number): Promise<void> {
    const login = load.logins[index]!;
    await using smtp = await logIn(load.to, login);
    for (let sent = 0; sent < load.perConnection && next < load.messages; sent++) {
      const n = next++;
      const due = load.perSecond === undefined ? performance.now() : started + (n * 1000) / load.perSecond;
      if (due > performance.now()) await pause(due - performance.now());
      const to = recipient(n, index, sent);
      const { reply, ms } = await smtp.send(login.sender, to, `Sign in ${n}`, body);
      if (/^250 2\.\d\.\d Held/.test(reply) || !reply.startsWith("250")) {
        refused[reply.slice(0, 80)] = (refused[reply.slice(0, 80)] ?? 0) + 1;
        continue;
      }
      latencies.push(ms);
      sinceDue.push(performance.now() - due);
    }
  }

  const startedAt = Date.now();
  const started = performance.now();
  await Promise.all(
    Array.from({ length: load.connections }, async () => {
      while (next < load.messages) await session((load.firstLogin + sessions++) % load.logins.length);
    }),
  );
  const seconds = (performance.now() - started) / 1000;
  const at = (share: number, of: number[]) =>
    of.toSorted((a, b) => a - b)[Math.floor(of.length * share)] ?? Number.NaN;
  return {
    accepted: latencies.length,
    refused,
    startedAt,
    seconds,
    p50: at(0.5, latencies),
    p99: at(0.99, latencies),
    p99Due: at(0.99, sinceDue),
    sessions,
  };
}

process.once("message", (load: Load) => {
  generate(load).then(
    (result) => process.send?.(result, () => process.disconnect()),
    (error: unknown) => {
      process.stderr.write(`load: ${String(error)}\n`);
      process.exit(1);
    },
  );
});
