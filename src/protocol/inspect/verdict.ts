import {
  codeClass,
  codedClass,
  faultOf,
  saidClass,
  type FineClass,
  type ReplyClass,
  type ReplyPhase,
} from "../smtp-reply/index.ts";
import type { Failure } from "./failure.ts";
import { AFTER_RCPT, PREFIXES, withoutRoutine } from "./routine.ts";
import type { InspectClass, InspectedRecipient } from "./types.ts";

/** Where the finer classes of replies have another name in what `inspect` tells. */
const NAMES: Readonly<Partial<Record<FineClass, InspectClass>>> = {
  ok: "unknown",
  relaying: "configuration",
  permission: "policy",
  "no-tls": "configuration",
};

/** Faults as of the reply class that is nearest. */
const NEAREST: Readonly<Partial<Record<InspectClass, ReplyClass>>> = {
  inactive: "bad-mailbox",
  spam: "content",
  configuration: "system",
};

/** An address that is one of these is given up. */
const GIVEN_UP: ReadonlySet<InspectClass> = new Set(["bad-mailbox", "bad-domain", "inactive"]);

/** Said of anything: what is more precise goes before it. */
const VAGUE: ReadonlySet<FineClass> = new Set(["policy", "system", "network", "expired"]);

/** One recipient of a bounce, judged. Pure. */
export function judge(failure: Failure): InspectedRecipient {
  const { address, action } = failure;
  const reply = replyOf(failure.diagnostic) || replyOf(failure.notice) || replyOf(failure.context);
  const diagnostic = oneLine(failure.diagnostic || fromReply(failure.notice));
  const status = statusOf(failure, reply);
  const good = action === "delivered" || action === "relayed" || action === "expanded";
  const kind = good ? "unknown" : nameOf(classOf(failure, status, reply));
  const forNow =
    action === "delayed" ||
    String(reply || status).startsWith("4") ||
    /temporarily (?:disabled|suspended|deactivated|closed|unavailable)/i.test(diagnostic);
  const fault = good ? "none" : faultOf(NEAREST[kind] ?? (kind as ReplyClass));
  return {
    address,
    action,
    status,
    class: kind,
    permanent: !good && !forNow && GIVEN_UP.has(kind),
    fault: fault === "remote" || fault === "none" ? "unknown" : fault,
    remoteMta: failure.remoteMta || saidBy(diagnostic) || saidBy(failure.notice),
    diagnostic,
  };
}

const nameOf = (kind: FineClass): InspectClass => NAMES[kind] ?? (kind as InspectClass);

function classOf(failure: Failure, status: string, reply: number): FineClass {
  const fielded = failure.diagnostic !== "" || failure.status !== "";
  const first = failure.diagnostic || (fielded ? "" : failure.notice);
  // Google tells of its groups in eighty languages, and always the same: no such group, or no right to write to it.
  if (reply === 0 && status === "" && failure.address.endsWith("@googlegroups.com")) return "policy";
  const coded = codedClass(status);
  const behind = saidBehind(first, coded);
  if (behind) return behind;
  const said = saidOf(first, reply);
  // RFC 3463 x.1.7 and x.1.8: what does not exist is the sender, as they see it.
  if (coded === "authentication" && (said === "bad-domain" || said === "bad-mailbox")) return coded;
  if (said && !VAGUE.has(said)) return said;
  if (coded && !VAGUE.has(coded)) return coded;
  const noticed = fielded ? saidOf(failure.notice, reply) : undefined;
  if (noticed && !VAGUE.has(noticed)) return noticed;
  const all = saidOf(failure.context, reply);
  if (all && !VAGUE.has(all) && said !== "policy" && noticed !== "policy") return all;
  const vague = said ?? noticed ?? coded ?? all;
  if (vague) return vague;
  return (
    codeClass(reply, phaseOf(failure), withoutRoutine(first)) ??
    (failure.action === "delayed" ? "expired" : "unknown")
  );
}

/** The reason behind a heading that stands before any; the code, where its words are not known. */
function saidBehind(text: string, coded: FineClass | undefined): FineClass | undefined {
  const words = withoutRoutine(text);
  for (const prefix of PREFIXES) {
    const behind = prefix.exec(words)?.[1];
    const said = behind === undefined ? undefined : (saidClass(behind) ?? coded);
    if (said) return said;
  }
  return undefined;
}

function saidOf(text: string, reply: number): FineClass | undefined {
  const words = withoutRoutine(text);
  // Exim says so of a domain that it cannot find, and to a client of a recipient that it does not know.
  if (reply === 0 && /unrouteable address/i.test(words)) return "bad-domain";
  return saidClass(words);
}

/** A bare code means the recipient where it answers RCPT, or where nothing says what it answers. */
function phaseOf({ diagnostic, notice }: Failure): ReplyPhase {
  const text = `${diagnostic} ${notice}`.slice(0, 4_000);
  return AFTER_RCPT.test(text) && !/rcpt/i.test(text) ? "body" : "rcpt";
}

/** The three-digit code of a text, or 0. */
function replyOf(text: string): number {
  const match = /(?:^|[\s:;(<#'"|-])([45]\d\d)(?=[\s-](?!\d{4,})|[:,;)'"]|$)/.exec(text.slice(0, 3_000));
  return Number(match?.[1] ?? 0);
}

const GENERIC = /^[245]\.(?:0\.0|\d\.0)$/;

const statusIn = (text: string) =>
  /(?:^|[\s#(:;-])([245]\.\d{1,3}\.\d{1,3})(?![\d.])/.exec(text.slice(0, 3_000))?.[1];

/** The status as given; a code within the words where that says more; else what follows from the reply code. */
function statusOf({ status, diagnostic, notice, context }: Failure, reply: number): string {
  const within = statusIn(diagnostic) ?? statusIn(notice) ?? statusIn(context);
  if (status !== "" && !(GENERIC.test(status) && within?.[0] === status[0])) return status;
  return within ?? (status || (reply > 0 ? `${String(reply)[0]}.0.0` : ""));
}

/** The words from the reply code on, where there is one. */
function fromReply(text: string): string {
  const at = /(?:^|[\s:;(<#'"|-])[45]\d\d[\s-]/.exec(text.slice(0, 3_000));
  return at ? text.slice(at.index).replace(/^[\s:;(<#'"|-]+/, "") : text;
}

const oneLine = (text: string) => text.replace(/\s+/g, " ").trim().slice(0, 1_000);

const SAID_BY =
  /(?:\bhost|\bserver|remote host|talking to|connected to|reporting server:?|remote server:?|generating server:?|response from)\s{1,3}([a-z0-9](?:[a-z0-9-]{0,62}\.){1,8}[a-z]{2,24})\.?(?:[\s[(:]|$)/i;

function saidBy(text: string): string {
  return SAID_BY.exec(text.slice(0, 3_000))?.[1]?.toLowerCase() ?? "";
}
