import type { Hono } from "hono";
import { z } from "zod";
import type { Clock } from "../lib/clock.ts";
import { isoTimes } from "../lib/iso-times.ts";
import { parseAddress } from "../relay/index.ts";
import type { AttemptView, MessageView, Spool } from "../spool/index.ts";
import { did } from "./admin/fields.ts";
import { committeeApi, type CommitteeGate } from "./committee-api.ts";
import { suppressionShown } from "./suppression-api.ts";
import type { SuppressionDesk } from "./suppression-desk.ts";

type TraceParts = CommitteeGate & {
  spool: Pick<Spool, "search" | "attempts">;
  /** Undefined: core knows them, and is elsewhere. */
  suppressions: Pick<SuppressionDesk, "about"> | undefined;
  keyOf: (address: string) => string;
  clock: Clock;
};

/** A message with what was done for the recipient that is asked about, and nobody else. */
export type TracedMessage = MessageView & { attempts: AttemptView[] };

const asked = z.strictObject({
  address: z.string().max(320),
  did: did.optional(),
  before: z.number().int().positive().optional(),
});
const PAGE = 25;

/** What happened to mail for one person, with a short-lived token of the committee: `POST /`. */
export function traceApi({ spool, suppressions, keyOf, clock, ...gate }: TraceParts): Hono {
  const app = committeeApi(gate);
  app.post("/", async (c) => {
    const { address, did: member, before } = asked.parse(await c.req.json());
    const parsed = parseAddress(address.trim());
    if (!parsed)
      return c.json(
        {
          error: "InvalidRequest",
          message: `"${address.slice(0, 100)}" is not an address: such as ada@example.com`,
        },
        400,
      );
    const filter = { recipient: parsed.address, ...(member !== undefined && { did: member }) };
    const page = { limit: PAGE, ...(before !== undefined && { before }) };
    const found = await spool.search(filter, page);
    const messages: TracedMessage[] = await Promise.all(
      found.messages.map(async (message) => {
        const recipients = message.recipients.filter((one) => sameAddress(one.address, parsed.address));
        const ids = new Set(recipients.map(({ id }) => id));
        const attempts = (await spool.attempts(message.id)).filter((one) => ids.has(one.recipientId));
        return { ...message, recipients, attempts };
      }),
    );
    return c.json(
      isoTimes({
        now: clock.now(),
        address: parsed.address,
        messages,
        next: found.next,
        scanned: found.scanned,
        ...(suppressions && {
          suppressions: suppressions.about(keyOf(parsed.address), member).map(suppressionShown),
        }),
      }),
    );
  });
  return app;
}

const sameAddress = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();
