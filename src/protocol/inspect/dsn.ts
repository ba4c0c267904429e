import { decodeText, type Mail } from "../mime/index.ts";
import { fromXtext, readAddress } from "./address.ts";
import type { Failure } from "./failure.ts";
import { readBlocks, typedValue, type Fields } from "./fields.ts";
import type { InspectedRecipient } from "./types.ts";

const STATUS_TYPES = new Set([
  "message/delivery-status",
  "message/global-delivery-status",
  "text/delivery-status",
]);
const MOST_RECIPIENTS = 1_000;
const PART = 1024 * 1024;

const ACTIONS: Readonly<Record<string, InspectedRecipient["action"]>> = {
  failed: "failed",
  failure: "failed",
  fail: "failed",
  failed_permanently: "failed",
  delayed: "delayed",
  deferred: "delayed",
  delivered: "delivered",
  deliverable: "delivered",
  undeliverable: "failed",
  relayed: "relayed",
  expanded: "expanded",
};

/** Whether the message has a part that is a delivery status notification by its type (RFC 3464, RFC 6533). */
export const hasDeliveryStatus = (mail: Mail): boolean =>
  mail.parts.some(({ type }) => STATUS_TYPES.has(type));

/** What the fields of a delivery status say, or nothing; `untyped`: also where no type tells of them. */
export function readDsn(mail: Mail, untyped: boolean): Failure[] {
  const typed = mail.parts.filter(({ type }) => STATUS_TYPES.has(type));
  const texts = (typed.length > 0 ? typed : untyped ? mail.parts : [])
    .slice(0, 20)
    .map(({ content }) => decodeText(content.subarray(0, PART)))
    .filter((text) => /^(?:Final|Original)-Recipient[ \t]*:/im.test(text) || typed.length > 0);
  const found = texts.flatMap((text) => readBlocks(text).filter(isAboutRecipient).map(readFailure));
  return merged(found).slice(0, MOST_RECIPIENTS);
}

function isAboutRecipient(fields: Fields): boolean {
  return (
    ["final-recipient", "original-recipient", "x-actual-recipient"].some((name) => fields.has(name)) ||
    (fields.has("action") && fields.has("status"))
  );
}

function readFailure(fields: Fields): Failure {
  const original = readAddress(fromXtext(fields.get("original-recipient") ?? ""));
  const final =
    readAddress(fields.get("final-recipient") ?? "") || readAddress(fields.get("x-actual-recipient") ?? "");
  const action = (/^[a-z_]+/.exec((fields.get("action") ?? "").toLowerCase()) ?? [""])[0];
  return {
    // The address that we wrote to: a forwarder's other address is none of ours.
    address: original || final,
    action: ACTIONS[action] ?? "unknown",
    status: /\b[245]\.\d{1,3}\.\d{1,3}\b/.exec(fields.get("status") ?? "")?.[0] ?? "",
    diagnostic: typedValue(fields.get("diagnostic-code")) || commentOf(fields.get("status") ?? ""),
    remoteMta: hostOf(typedValue(fields.get("remote-mta"))),
    notice: "",
    context: "",
  };
}

/** `5.1.1 (bad destination mailbox address)` */
const commentOf = (status: string) => /\((.{3,200})\)/.exec(status)?.[1] ?? "";

const hostOf = (text: string) => (/^[^\s()[\]]{1,255}/.exec(text)?.[0] ?? "").toLowerCase();

/** A server may tell of an address twice; what says more is kept. */
function merged(failures: readonly Failure[]): Failure[] {
  const byAddress = new Map<string, Failure>();
  for (const failure of failures) {
    const key = failure.address.toLowerCase();
    const before = byAddress.get(key);
    if (!before || before.diagnostic.length < failure.diagnostic.length) byAddress.set(key, failure);
  }
  return [...byAddress.values()];
}
