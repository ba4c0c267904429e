import { setTimeout as pause } from "node:timers/promises";
import { z } from "zod";
import type { Incoming, PassOn, Received } from "../feedback/index.ts";
import type { Bus, Subscription } from "../platform/bus/index.ts";
import type { Logger } from "../platform/log.ts";
import type { Metrics } from "../platform/metrics.ts";

/**
 * Bounces and complaints about mail of another node: any node of the pool may be handed one, and only the node that sent the
 * message knows it. So they go to all, and it is taken where the message is.
 */
export const PASSED_MAIL_TOPIC = "mail.passed";

const text = (most: number) => z.string().max(most);
const result = text(100);
/** `raw` in base64. */
const PassedMail = z.object({
  by: text(64),
  mail: z.object({
    to: text(400),
    raw: text(1_500_000),
    mailFrom: text(400),
    from: text(400),
    ip: text(64),
    tls: text(64).nullable(),
    authentication: z.object({
      spf: z.object({ result, domain: text(400) }),
      dkim: z.array(z.object({ domain: text(400), selector: text(400), result })).max(50),
      dmarc: z.object({ result, domain: text(400), policy: result }),
      arc: z.object({ result }),
      results: text(20_000),
    }),
  }),
});

export function passOnTo(bus: Pick<Bus, "publish">, by: string): PassOn {
  return (mail) => {
    const value: z.infer<typeof PassedMail> = {
      by,
      mail: {
        ...mail,
        raw: Buffer.from(mail.raw).toString("base64"),
        authentication: { ...mail.authentication, dkim: [...mail.authentication.dkim] },
      },
    };
    return bus.publish(PASSED_MAIL_TOPIC, [{ key: mail.to, value }]);
  };
}

/** The delivery that a bounce is about may be written down a moment later than the bounce comes. */
const TRIES = 4;
const AGAIN_MS = 2_000;

/** Takes what other nodes were handed and this one sent. */
export function followPassedMail(options: {
  bus: Pick<Bus, "subscribe">;
  node: string;
  receive: (mail: Incoming, passed: boolean) => Promise<Received>;
  log: Logger;
  metrics: Pick<Metrics, "inbound">;
  againMs?: number;
}): Subscription {
  const { bus, node, receive, log, metrics, againMs = AGAIN_MS } = options;

  async function take(mail: Incoming): Promise<Received> {
    for (let tries = 1; ; tries++) {
      const received = await receive(mail, true);
      if (received.outcome === "full") throw new Error("the inbox is full");
      if (received.outcome !== "too-early" || tries === TRIES) return received;
      await pause(againMs);
    }
  }

  return bus.subscribe(PASSED_MAIL_TOPIC, `relay:${node}`, async (batch) => {
    for (const { seq, value } of batch) {
      const passed = PassedMail.safeParse(value);
      if (!passed.success) {
        log.error({ seq }, "mail that was passed on cannot be read, and was left out");
        continue;
      }
      const { by, mail } = passed.data;
      if (by === node) continue;
      const received = await take({ ...mail, raw: Buffer.from(mail.raw, "base64") });
      log.info({ ...received, by }, "inbound mail that another node took");
      metrics.inbound.inc({ outcome: `passed-${received.outcome}` });
    }
  });
}
