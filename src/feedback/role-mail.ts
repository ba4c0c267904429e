import type { EntryKind, Folder } from "../inbox/index.ts";
import type { RoleName } from "./addresses.ts";
import { fateOf, forwardId } from "./human.ts";
import type { FeedbackOptions } from "./index.ts";
import type { Reading } from "./reading.ts";
import type { Incoming, Received } from "./types.ts";

const KINDS: Record<Reading["kind"], EntryKind> = {
  message: "message",
  bounce: "bounce",
  complaint: "complaint",
  "auto-reply": "auto-reply",
  "dmarc-report": "report",
  "tls-report": "report",
};

/**
 * Mail to a role address that is no complaint and no report with a reader. Of people: into the inbox, and sent on to where
 * whoever runs the pool wants it. Of programs: aside. It is refused for no verdict on its sender (RFC 2142: these
 * addresses are for strangers who have something to tell); what nothing vouches for stands apart and is not sent on.
 */
export function createRoleMail(options: FeedbackOptions) {
  const { inbox, clock, log } = options;

  return {
    async receive(mail: Incoming, role: RoleName, reading: Reading): Promise<Received> {
      const { folder, why } = placeOf(mail, role, reading);
      const address = folder === "inbox" ? options.rolesTo : undefined;
      const id = forwardId(mail);
      const kept = await inbox.keep({
        raw: mail.raw,
        folder,
        kind: KINDS[reading.kind],
        to: mail.to,
        mailFrom: mail.mailFrom,
        why,
        authentication: mail.authentication.results,
        forward: address === undefined ? null : id,
        at: clock.now(),
      });
      if (kept.outcome === "full") return { outcome: "full" };
      if (address !== undefined) {
        const forwarded = await options.forward({ ...mail, id, member: null, address });
        if (forwarded !== "taken" && forwarded !== "known")
          log.warn({ entry: kept.id, forwarded }, "role mail was not sent on; it is in the inbox");
      }
      return { outcome: "kept-for-people", entry: kept.id };
    },
  };
}

function placeOf(mail: Incoming, role: RoleName, { kind }: Reading): { folder: Folder; why: string } {
  const to = `Mail to ${role}`;
  if (kind !== "message") return { folder: "machine", why: `${to} that a program wrote: ${kind}` };
  // Programs send here; a person who does has something to say.
  const fate = fateOf(mail);
  if (fate.to === "ignore") return { folder: "machine", why: `${to} that a program wrote: ${fate.why}` };
  if (fate.to === "machine") return { folder: "machine", why: fate.why };
  if (fate.to === "spam") return { folder: "spam", why: fate.why };
  return { folder: "inbox", why: to };
}
