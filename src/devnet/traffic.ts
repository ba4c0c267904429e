import { createTransport } from "nodemailer";
import type { MovableClock } from "../lib/clock.ts";
import type { SeedOperator } from "./operators.ts";
import { DAY_MS, planDay, type PlannedMail } from "./plan.ts";

/** An operator with what it needs to submit: the credential as its PDS has it, and the address that it sends from. */
export type SendingOperator = SeedOperator & { username: string; secret: string; from: string };

export type TrafficOptions = {
  operators: readonly SendingOperator[];
  clock: MovableClock;
  /** Where the relay takes submissions; `secure` is implicit TLS, otherwise STARTTLS is demanded. */
  submission: { host: string; port: number; secure: boolean; servername: string; ca: string };
  mailDomains: readonly string[];
  seed?: string;
  /** Mails under way at once. */
  concurrency?: number;
  /** Awaited whenever the clock is about to pass into another hour: let what is under way come to rest. */
  settle?: () => Promise<void>;
  onProgress?: (progress: Progress) => void;
};

type Outcome = { result: "accepted" } | { result: "refused" | "failed"; text: string };
export type Progress = Totals & { planned: number; mail: PlannedMail; outcome: Outcome };
type Totals = { accepted: number; refused: number; failed: number };

export interface Traffic {
  /** Plays everything planned from where the last play ended until `instant`, and leaves the clock there. */
  playUntil(instant: number, signal?: AbortSignal): Promise<Totals>;
  /** Sends each mail when the clock, which runs by itself, has reached its time. Resolves when `signal` aborts. */
  follow(signal: AbortSignal): Promise<void>;
  /** Nothing is sent that is planned before `instant` and not under way yet. */
  skipTo(instant: number): void;
  close(): void;
}

const HOUR_MS = 3_600_000;
const TIMEOUT_MS = 30_000;

/** Plays the operators' mail through real SMTP submission, moving the clock from mail to mail. */
export function createTraffic(options: TrafficOptions): Traffic {
  const { clock, operators, mailDomains, seed } = options;
  const senders = new Map(operators.map((operator) => [operator.domain, sender(operator, options)]));
  const concurrency = options.concurrency ?? 8;
  let from = clock.now();

  function due(until: number): PlannedMail[] {
    const mails: PlannedMail[] = [];
    for (let day = Math.floor(from / DAY_MS); day * DAY_MS < until; day++) {
      mails.push(...planDay({ operators, day, mailDomains, seed }));
    }
    return mails.filter((mail) => mail.at >= from && mail.at < until);
  }

  async function playUntil(instant: number, signal?: AbortSignal): Promise<Totals> {
    const totals: Totals = { accepted: 0, refused: 0, failed: 0 };
    const mails = due(instant);
    const underWay = new Set<Promise<void>>();

    async function send(mail: PlannedMail): Promise<void> {
      const outcome = await senders.get(mail.domain)!.send(mail);
      totals[outcome.result]++;
      options.onProgress?.({ ...totals, planned: mails.length, mail, outcome });
    }

    for (const mail of mails) {
      if (signal?.aborted) break;
      if (underWay.size >= concurrency) await Promise.race(underWay);
      if (hourOf(mail.at) !== hourOf(clock.now())) {
        await Promise.all(underWay);
        await options.settle?.();
      }
      clock.advanceTo(mail.at);
      from = mail.at + 1;
      const sending: Promise<void> = send(mail).finally(() => underWay.delete(sending));
      underWay.add(sending);
    }
    await Promise.all(underWay);
    await options.settle?.();
    if (!signal?.aborted) {
      clock.advanceTo(instant);
      from = Math.max(from, instant);
    }
    return totals;
  }

  async function follow(signal: AbortSignal): Promise<void> {
    const underWay = new Set<Promise<unknown>>();
    from = Math.max(from, clock.now());
    while (!signal.aborted) {
      const until = (Math.floor(from / DAY_MS) + 1) * DAY_MS;
      for (const mail of due(until)) {
        await clock.sleep(mail.at - clock.now(), signal);
        if (signal.aborted) break;
        if (mail.at < from) continue;
        from = mail.at + 1;
        if (underWay.size >= concurrency) await Promise.race(underWay);
        const sending: Promise<unknown> = senders
          .get(mail.domain)!
          .send(mail)
          .finally(() => underWay.delete(sending));
        underWay.add(sending);
      }
      if (signal.aborted) break;
      await clock.sleep(until - clock.now(), signal);
      from = Math.max(from, until);
    }
    await Promise.all(underWay);
  }

  return {
    playUntil,
    follow,
    skipTo(instant) {
      from = Math.max(from, instant);
    },
    close() {
      for (const { close } of senders.values()) close();
    },
  };
}

/** One connection for one operator, opened with its first mail and kept. */
function sender(operator: SendingOperator, { submission }: TrafficOptions) {
  const transport = createTransport({
    pool: true,
    maxConnections: 1,
    maxMessages: Number.POSITIVE_INFINITY,
    host: submission.host,
    port: submission.port,
    secure: submission.secure,
    requireTLS: !submission.secure,
    name: `pds.${operator.domain}`,
    auth: { user: operator.username, pass: operator.secret },
    tls: { ca: submission.ca, servername: submission.servername },
    connectionTimeout: TIMEOUT_MS,
    greetingTimeout: TIMEOUT_MS,
    socketTimeout: TIMEOUT_MS,
  });
  return {
    async send(mail: PlannedMail): Promise<Outcome> {
      const { subject, text, html, to } = mail;
      try {
        await transport.sendMail({
          from: { name: operator.name, address: operator.from },
          to,
          subject,
          text,
          html,
          date: new Date(mail.at),
        });
        return { result: "accepted" };
      } catch (error) {
        const { responseCode, response, message } = error as Error & {
          responseCode?: number;
          response?: string;
        };
        return { result: responseCode ? "refused" : "failed", text: response ?? message };
      }
    },
    close: () => transport.close(),
  };
}

function hourOf(instant: number): number {
  return Math.floor(instant / HOUR_MS);
}
