import type { Stream } from "../../policy/index.ts";
import type { Who } from "./login.ts";
import type { Refusal } from "./refusal.ts";
import type { MessageResult, Recipient, Submission } from "./submission.ts";

export type SubmitInput = Who & {
  /** MAIL FROM: an address at a domain of the credential. */
  sender: string;
  /** NOTIFY and ORCPT as in RFC 3461, decoded. */
  recipients: readonly { address: string; notify?: string | null; orcpt?: string | null }[];
  stream?: Stream;
  /** Lower leaves first. */
  priority?: number;
  /** The same submission again, under the same key of the same credential, is one message. */
  idempotency?: { key: string; digest: string };
  /** As MAIL's REQUIRETLS (RFC 8689). */
  requireTls?: boolean;
  /** As in a Received field: `HTTP`. */
  protocol: string;
  /** The raw message, lines ending with CRLF; its header may be UTF-8 (RFC 6532). */
  source: AsyncIterable<Uint8Array>;
};

export type RefusedRecipient = Refusal & { address: string };

/** `recipients`: those that were refused, while the others went if it is `ok`. */
export type SubmitResult =
  | (Extract<MessageResult, { ok: true }> & { recipients: RefusedRecipient[] })
  | ({ ok: false; recipients: RefusedRecipient[] } & Refusal);

/** A submission in one call, through the door that SMTP goes through command by command. */
export function createSubmit(submission: Submission) {
  return async function submit(input: SubmitInput): Promise<SubmitResult> {
    const { member, credential, sender } = input;
    const who = { member, credential };
    const refused: RefusedRecipient[] = [];
    const taken: Recipient[] = [];
    const wrong = submission.sender(who, sender);
    if (wrong) return { ok: false, recipients: [], ...wrong };
    for (const { address, notify = null, orcpt = null } of input.recipients) {
      const why = submission.recipient(who, sender, address, taken, input.stream);
      if (why) refused.push({ ...why, address });
      else taken.push({ address, notify, orcpt });
    }
    const [first] = refused;
    if (first && taken.length === 0) {
      const { address: _, ...why } = first;
      return { ok: false, recipients: refused, ...why };
    }
    const result = await submission.message({
      ...input,
      stage: "api",
      recipients: taken,
      smtpUtf8: true,
      ret: null,
      envid: null,
      requireTls: input.requireTls ?? false,
    });
    return { ...result, recipients: refused };
  };
}
