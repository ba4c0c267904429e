import type { MessageView, RecipientView } from "../../spool/index.ts";
import { isHard, type Breaker } from "../breaker.ts";
import type { SmtpFacts } from "../../event/index.ts";
import type { Ending, Notice } from "./notice.ts";

/** What a report tells of a recipient whose mail was delivered. */
export type Aftermath =
  | { kind: "bounced"; smtp: SmtpFacts; authentic: boolean }
  | { kind: "delivered" | "relayed" };

type NoticeMaker = (
  told: Pick<RecipientView, "address" | "notify" | "orcpt"> & { message: MessageView },
  ending: Ending,
) => Promise<Notice | undefined>;

const MAX_TOLD = 10_000;

/**
 * What follows from a report that came back: the breaker learns of it, and the notice that the member asked for is made
 * (RFC 3461). Of a success a member is told once, however often a host tells us.
 */
export function createAftermath(breaker: Breaker, noticeFor: NoticeMaker) {
  const told = new Set<string>();

  return async function aftermath(
    message: MessageView,
    recipient: RecipientView,
    what: Aftermath,
  ): Promise<Notice | undefined> {
    const { address, domain, firstTime, notify, orcpt } = recipient;
    if (what.kind === "bounced") {
      // Who holds a return path can write a report; five of them are no reason to stop a credential.
      if (message.kind === "mail" && what.authentic && isHard(what.smtp.class))
        breaker.concluded({ address, domain, firstTime, message }, "hard");
      const { code, enhanced, text, class: means } = what.smtp;
      const status = enhanced.startsWith("5") ? enhanced : "5.0.0";
      const diagnostic = `${code} ${enhanced} ${text}`;
      return noticeFor(
        { address, notify, orcpt, message },
        { kind: "failed", status, remote: "", diagnostic, class: means },
      );
    }
    if (told.has(recipient.id)) return undefined;
    told.add(recipient.id);
    if (told.size > MAX_TOLD) told.delete(told.values().next().value!);
    const ending: Ending = { kind: what.kind, status: "2.0.0", remote: "", diagnostic: "" };
    return noticeFor({ address, notify, orcpt, message }, ending);
  };
}
