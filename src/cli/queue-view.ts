import type { WithIsoTimes } from "../lib/iso-times.ts";
import type { QueueHistory } from "../roles/index.ts";
import type {
  AttemptView as Attempt,
  Hold,
  QueueAction,
  QueueEntry as Entry,
  QueueResult,
  RecipientView as Recipient,
} from "../spool/index.ts";
import { explain } from "../protocol/smtp-reply/index.ts";
import { TLS_REASON_WORDS } from "../transport/index.ts";
import { plain } from "./output.ts";

/** As the API says them. */
export type QueueEntry = WithIsoTimes<Entry>;
export type History = WithIsoTimes<QueueHistory>;
type AttemptView = WithIsoTimes<Attempt>;
type RecipientView = WithIsoTimes<Recipient>;

/** Columns of a table: they fit into 80 characters. */
const WIDTHS = { id: 16, state: 9, why: 13, age: 4, from: 14, to: 19 } as const;

/** One line for each recipient, with a heading. `now`: ms since the epoch. */
export function queueTable(entries: readonly QueueEntry[], now: number): string[] {
  const head = row({ id: "MESSAGE", state: "STATE", why: "WHY, WHEN", age: "AGE", from: "FROM", to: "TO" });
  return [
    head,
    ...entries.map((entry) =>
      row({
        id: entry.messageId,
        state: entry.state,
        why: whyOf(entry, now),
        age: span(now - Date.parse(entry.receivedAt)),
        from: entry.fromDomain,
        to: entry.address,
      }),
    ),
  ];
}

function row(cells: Record<keyof typeof WIDTHS, string>): string {
  const names = Object.keys(WIDTHS) as (keyof typeof WIDTHS)[];
  return names
    .map((name) => fit(plain(cells[name]), WIDTHS[name]))
    .join(" ")
    .trimEnd();
}

/** Cut in the middle: both ends of an address say who it is. */
function fit(text: string, width: number): string {
  if (text.length <= width) return text.padEnd(width);
  const left = Math.ceil((width - 1) / 2);
  return `${text.slice(0, left)}…${text.slice(text.length - (width - 1 - left))}`;
}

function whyOf({ state, hold, inFlight, nextAt, attempts }: RecipientView, now: number): string {
  if (inFlight) return "in delivery";
  if (hold) return hold.reason;
  if (state !== "queued" && state !== "deferred")
    return attempts === 1 ? "1 attempt" : `${attempts} attempts`;
  const wait = Date.parse(nextAt) - now;
  return wait <= 0 ? "due" : `in ${span(wait)}`;
}

/** `45s`, `12m`, `5h`, `3d`: the largest unit that is at least one. */
export function span(ms: number): string {
  const units: [number, string][] = [
    [86_400_000, "d"],
    [3_600_000, "h"],
    [60_000, "m"],
  ];
  for (const [size, name] of units) if (ms >= size) return `${Math.floor(ms / size)}${name}`;
  return `${Math.max(0, Math.floor(ms / 1_000))}s`;
}

/** Milliseconds of `90s`, `15m`, `2h`, `5d`; undefined: it is none. */
export function parseSpan(text: string): number | undefined {
  const match = /^(\d{1,6})([smhd])$/.exec(text);
  if (!match) return undefined;
  const unit = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }[match[2] as "s" | "m" | "h" | "d"];
  return Number(match[1]) * unit;
}

const PAST: Record<QueueAction, [would: string, did: string]> = {
  hold: ["would be held", "held"],
  release: ["would be released", "released"],
  requeue: ["would be due now", "due now"],
  bounce: ["would be given back to their sender", "given back to their sender"],
  drop: ["would be dropped, and nobody told", "dropped, and nobody told"],
};

/** What an operation came to, or would come to. */
export function resultLines(action: QueueAction, result: QueueResult, dryRun: boolean): string[] {
  const { recipients, messages, inFlight, kept, more, messageIds } = result;
  const [would, did] = PAST[action];
  const lines = [
    `${count(recipients, "recipient")} of ${count(messages, "message")}: ${dryRun ? would : did}.`,
  ];
  if (dryRun && messages > 0) lines.push(`  ${messageIds.slice(0, 4).join(" ")}${messages > 4 ? " …" : ""}`);
  if (more) lines.push("There are more than the limit: again for the rest, or a higher --limit.");
  if (inFlight > 0)
    lines.push(`${count(inFlight, "recipient")} left alone: being delivered now. Hold first, then again.`);
  if (kept > 0)
    lines.push(
      `${count(kept, "recipient")} kept: policy, a pause or a missing signature holds them. A pause ends with: atmos member resume`,
    );
  return lines;
}

const count = (n: number, what: string) => `${n} ${what}${n === 1 ? "" : "s"}`;
const time = (at: string) => at.replace(/\.\d+Z$/, "Z");

const NATURE: Record<History["message"]["kind"], string> = {
  mail: "",
  dsn: " (a notice to the member)",
  notice: " (a notice to the member)",
  report: " (a TLS report, as its domain asks for)",
  forward: " (a reply of somebody, sent on)",
  test: " (a test of the member, to the pool itself)",
};

/** Everything about one message: what it is, where each recipient is, and each thing that was done or said. */
export function historyLines({ message, attempts, operations, told }: History, now: number): string[] {
  const lines = [
    `Message    ${message.id}${NATURE[message.kind]}`,
    `Member     ${message.did}`,
    `Credential ${message.credential ?? "none: the relay's own mail"}`,
    `From       ${plain(message.sender) || "<>"} (${message.fromDomain}), ${message.stream}, priority ${message.priority}`,
    `Received   ${time(message.receivedAt)} (${span(now - Date.parse(message.receivedAt))} ago), ${message.size} octets`,
  ];
  if (message.envid !== null) lines.push(`ENVID      ${plain(message.envid)}`);
  if (message.ask !== "usual") lines.push(`TLS        ${ASKS[message.ask]}`);
  for (const recipient of message.recipients) {
    lines.push("", `To         ${plain(recipient.address)}  [${recipient.id}]`);
    lines.push(`  ${recipient.state}, ${whyOf(recipient, now)}, since ${time(recipient.updatedAt)}`);
    if (recipient.hold) lines.push(`  ${holdWords(recipient.hold)}`);
    for (const attempt of attempts)
      if (attempt.recipientId === recipient.id) lines.push("", ...attemptLines(attempt));
  }
  if (told.length > 0) lines.push("", "Told to the member");
  for (const { at, kind, address, sentTo } of told) {
    const where = sentTo === null ? "on its page only" : `mailed to ${plain(sentTo)}`;
    lines.push(`  ${time(at)} ${kind}, ${plain(address)}: ${where}`);
  }
  if (operations.length > 0) lines.push("", "Operations");
  for (const { at, by, action, why, recipients } of operations)
    lines.push(`  ${time(at)} ${action} by ${plain(by)} (${count(recipients, "recipient")}): ${plain(why)}`);
  return lines;
}

const ASKS: Record<Exclude<History["message"]["ask"], "usual">, string> = {
  "require-tls": "REQUIRETLS: only hosts that offer it and are authenticated",
  "tls-optional": "TLS-Required: No: what the recipient's domain asks of TLS does not hold it up",
  "tls-report": "a TLS report: it may go in clear",
};

function holdWords({ owner, note }: Hold): string {
  const who = {
    policy: "The member's standing or its domain's checks hold it, and free it again by themselves.",
    breaker: "The breaker holds it until a person or the member says yes.",
    signing: "It could not be signed; it leaves as soon as it is.",
    committee: "A person holds it; only a person frees it.",
    member: "The member holds it.",
  }[owner];
  return note === undefined ? who : `${who} "${plain(note)}"`;
}

function attemptLines({
  at,
  durationMs,
  host,
  code,
  enhanced,
  text,
  class: kind,
  permanent,
  fault,
  rule,
  egress,
  tls,
  tlsPolicy,
  transcript,
}: AttemptView): string[] {
  const answer = [code || "no reply", enhanced, text].filter(Boolean).join(" ");
  const by = tlsPolicy === null ? "" : ` by ${TLS_REASON_WORDS[tlsPolicy]}`;
  const judged = [
    `${kind}, ${permanent ? "for good" : "for now"}`,
    ...(fault === null || fault === "none" ? [] : [`fault: ${fault}`]),
    ...(rule === null ? [] : [`rule ${plain(rule)}`]),
  ];
  return [
    `  ${time(at)} ${plain(host) || "no host"}, ${durationMs} ms${tls ? `, ${plain(tls)}` : ""}`,
    ...(egress ? [`    from ${plain(egress)}${by ? `, TLS${by}` : ""}`] : by ? [`    TLS${by}`] : []),
    `    ${plain(answer)}`,
    ...(kind === "ok" ? [] : [`    ${judged.join("; ")}`, `    ${explain({ class: kind, permanent })}`]),
    ...plain(transcript)
      .split("\n")
      .map((line) => `    | ${line}`),
  ];
}
