import { createTransport } from "nodemailer";
import { DAY_MS, type Clock } from "../lib/clock.ts";

type PretenderOptions = {
  clock: Clock;
  /** Where the mailbox provider listens. */
  host: string;
  port: number;
  /** Where it sends from: an address of nobody here. */
  localAddress: string;
  /** Whose name it takes, and to whom it writes. */
  as: string;
  to: string;
};

/** Mails on a day. */
const A_DAY = 4;
const TIMEOUT_MS = 10_000;

/**
 * Somebody outside who writes as a member's domain, without key and from an address that its SPF record does not name: what
 * DMARC reports tell of. It sends its mail of a day when it is nudged for the first time on that day.
 */
export function createPretender({ clock, host, port, localAddress, as, to }: PretenderOptions) {
  let lastDay = -1;
  let underWay = Promise.resolve();

  async function send(): Promise<void> {
    const transport = createTransport({
      host,
      port,
      localAddress,
      name: "host.pretender.test",
      tls: { rejectUnauthorized: false },
      connectionTimeout: TIMEOUT_MS,
      greetingTimeout: TIMEOUT_MS,
      socketTimeout: TIMEOUT_MS,
    });
    try {
      for (let n = 0; n < A_DAY; n++)
        await transport.sendMail({
          from: `support@${as}`,
          to,
          subject: "Your account will be closed",
          text: `Log in at once, or ${as} closes your account.`,
          date: new Date(clock.now()),
        });
    } catch {
      // Whoever pretends does not mind: the next day is another.
    } finally {
      transport.close();
    }
  }

  return {
    nudge(): void {
      const today = Math.floor(clock.now() / DAY_MS);
      if (today === lastDay) return;
      lastDay = today;
      underWay = underWay.then(send);
    },
    settle: () => underWay,
  };
}
