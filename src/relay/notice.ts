import type { Envelope } from "../event/index.ts";
import { NOTICE_LIFETIME_MS, type NoticeWish } from "../notice/index.ts";
import { withoutAddresses } from "../protocol/smtp-reply/index.ts";
import type { Leased } from "../spool/index.ts";
import type { RelayContext } from "./context.ts";
import type { AttemptResult, Conclusion } from "./delivery/result.ts";
import { takePoolMail } from "./pool-mail.ts";
import { parseAddress } from "./submission/address.ts";
import { mailDate } from "./submission/header.ts";

/** `known`: it was taken before. `too-late`, `no-address`: it is not sent, and core is told. */
export type Notified = "taken" | "known" | "too-late" | "no-address";

/** The pool's own mail to a member: signed by the pool, without a return path, subject to nobody's pause. */
export function createNotifier(context: RelayContext) {
  const { identity, spool, clock, event } = context;

  function failed({ id, did }: NoticeWish, reply: string): Envelope {
    return event("notice_concluded", {
      dedupe_key: `notice:${id}`,
      member: { did, domain: "" },
      detail: { notice: id, outcome: "failed", reply },
    });
  }

  return async function notify(wish: NoticeWish): Promise<Notified> {
    const { id, did, to, subject, text, at } = wish;
    const now = clock.now();
    if (await spool.message(id)) return "known";
    const address = parseAddress(to);
    if (!address || now - at > NOTICE_LIFETIME_MS) {
      await spool.appendEvents([failed(wish, address ? "it could not be sent in time" : "no mail address")]);
      return address ? "too-late" : "no-address";
    }
    const { encoding, body } = encoded(text);
    const { poolDomain } = identity;
    const lines = [
      `From: Atmosphere Mail <postmaster@${poolDomain}>`,
      `To: <${address.address}>`,
      `Subject: ${subject}`,
      `Date: ${mailDate(now)}`,
      `Message-ID: <${id}@${poolDomain}>`,
      "Auto-Submitted: auto-generated",
      "MIME-Version: 1.0",
      "Content-Type: text/plain; charset=utf-8",
      `Content-Transfer-Encoding: ${encoding}`,
    ];
    const head = Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "utf8");
    await takePoolMail(context, {
      id,
      did,
      kind: "notice",
      ask: "usual",
      priority: 1,
      to: address,
      head,
      body,
    });
    return "taken";
  };
}

/** What core is told when such mail has come to its end. */
export function noticeConcluded(
  { message, domain }: Leased,
  { reply }: AttemptResult,
  state: Exclude<Conclusion["state"], "deferred">,
): Parameters<RelayContext["event"]> {
  const delivered = state === "delivered";
  const said = [reply.code || "", reply.enhanced, withoutAddresses(reply.text)].filter(Boolean).join(" ");
  return [
    "notice_concluded",
    {
      dedupe_key: `notice:${message.id}`,
      member: { did: message.did, domain: "" },
      detail: {
        notice: message.id,
        outcome: delivered ? "delivered" : "failed",
        reply: delivered ? "" : `${domain}: ${said}`.slice(0, 300),
      },
    },
  ];
}

/** CRLF; what is not ASCII goes as base64, which every host takes. */
function encoded(text: string): { encoding: "7bit" | "base64"; body: Uint8Array<ArrayBuffer> } {
  const lines = text.replace(/\r?\n/g, "\r\n");
  const plain = !/[^\t\r\n -~]/.test(lines) && lines.split("\r\n").every((line) => line.length <= 900);
  if (plain) return { encoding: "7bit", body: new Uint8Array(Buffer.from(lines, "latin1")) };
  const base64 = Buffer.from(lines, "utf8").toString("base64");
  const rows = base64.match(/.{1,76}/g) ?? [];
  return { encoding: "base64", body: new Uint8Array(Buffer.from(`${rows.join("\r\n")}\r\n`, "latin1")) };
}
