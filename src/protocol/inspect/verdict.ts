import {
  codeClass,
  codedClass,
  faultOf,
  saidClass,
  type FineClass,
  type ReplyClass,
} from "../smtp-reply/index.ts";
import { ADDRESS } from "./address.ts";
import type { Failure } from "./failure.ts";
import type { InspectClass, InspectedRecipient } from "./types.ts";

/** Where the finer classes of replies have another name in what `inspect` tells. */
const NAMES: Readonly<Partial<Record<FineClass, InspectClass>>> = {
  ok: "unknown",
  relaying: "configuration",
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

const ANY_ADDRESS = new RegExp(`<?(?:mailto:)?${ADDRESS}>?`, "gu");
const HOSTS =
  /\b(?:host|server|with|by|from|to|mta|via|while talking to) [\w-]{1,63}(?:\.[\w-]{1,63}){1,10}(?:\[[^\]]{0,50}\])?/gi;

/** One recipient of a bounce, judged. Pure. */
export function judge(failure: Failure): InspectedRecipient {
  const { address, action } = failure;
  const reply = replyOf(failure.diagnostic) || replyOf(failure.notice);
  const diagnostic = oneLine(failure.diagnostic || fromReply(failure.notice));
  const status = statusOf(failure, reply);
  const good = action === "delivered" || action === "relayed" || action === "expanded";
  const kind = good ? "unknown" : nameOf(classOf(failure, status, reply));
  const forNow = action === "delayed" || String(reply || status).startsWith("4");
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
  const said = saidClass(plain(failure.diagnostic));
  if (said && !VAGUE.has(said)) return said;
  const coded = codedClass(status);
  const noticed = saidClass(plain(failure.notice));
  if (coded && !VAGUE.has(coded)) return coded;
  if (noticed && !VAGUE.has(noticed)) return noticed;
  return said ?? noticed ?? coded ?? codeClass(reply, "rcpt") ?? "unknown";
}

/** Words without addresses and names of hosts, which say nothing and may read like a reason. */
function plain(text: string): string {
  return text.slice(0, 3_000).replace(ANY_ADDRESS, " ").replace(HOSTS, " ").replace(/\s+/g, " ");
}

/** The three-digit code of a text, or 0. */
function replyOf(text: string): number {
  const match = /(?:^|[\s:;(<#'"|-])([45]\d\d)(?=[\s-](?!\d{4,})|[:,;)'"]|$)/.exec(text.slice(0, 3_000));
  return Number(match?.[1] ?? 0);
}

const GENERIC = /^[245]\.(?:0\.0|\d\.0)$/;

/** The status as given; a code within the words where that says more; else what follows from the reply code. */
function statusOf({ status, diagnostic, notice }: Failure, reply: number): string {
  const find = (text: string) =>
    /(?:^|[\s#(:;-])([245]\.\d{1,3}\.\d{1,3})(?![\d.])/.exec(text.slice(0, 3_000))?.[1];
  const within = find(diagnostic) ?? find(notice);
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
