import type { NewEntry } from "../inbox/index.ts";
import type { ForwardFailure } from "../relay/index.ts";

const LONGEST_WHY = 600;

/**
 * The entry of the committee's inbox about mail that could not be sent on. Nothing of that mail is in it. A day has one for
 * each member and address, however many replies there were: what is the same is kept once.
 */
export function forwardEntry(failure: ForwardFailure, poolDomain: string): NewEntry {
  const { did, domain, address, status, remote, said, at } = failure;
  const day = new Date(at).toISOString().slice(0, 10);
  const from = `postmaster@${poolDomain}`;
  const what = did === null ? "Mail to role addresses" : `Replies to ${domain}`;
  const todo =
    did === null
      ? "It is in this inbox all the same. Mend ATMOS_ROLE_MAIL_TO, or that mailbox."
      : `They are lost, and who wrote them was not told. ${did} sees it on its page, and can choose another address:\r\n\r\n  atmos member replies ${did} --to ADDRESS`;
  const text = [
    `From: Atmosphere Mail <${from}>`,
    `Subject: ${what} cannot be sent on`,
    "Content-Type: text/plain; charset=utf-8",
    "",
    `${what} cannot be sent on to ${address}, on ${day} (UTC).`,
    "",
    todo,
    "",
  ].join("\r\n");
  return {
    raw: Buffer.from(text),
    folder: "inbox",
    kind: "bounce",
    to: from,
    mailFrom: "",
    why: `${[remote, status].filter(Boolean).join(", ")} said: ${said || "nothing"}`.slice(0, LONGEST_WHY),
    authentication: "none",
    forward: null,
    at,
  };
}
