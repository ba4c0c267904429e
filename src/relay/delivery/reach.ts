import type { Family } from "../../egress/index.ts";
import type { Published, TlsObservation, TlsResultType } from "../../transport/index.ts";
import type { Deadlines } from "../context.ts";
import { openConversation, type Conversation, type Opened, type Peer, type Reply } from "./conversation.ts";
import type { Needs } from "./envelope.ts";
import { MAX_TRIED, ofFamily, targetsOf } from "./route.ts";
import { joined } from "./transcript.ts";
import type { Refused, Way, Ways } from "./ways.ts";

export type ReachOptions = {
  port: number;
  ehlo: string;
  localAddress?: string | undefined;
  /** Of the local address: only addresses of this kind are tried; without: all. */
  family?: Family | undefined;
  /** PEM, trusted beside the system's authorities. */
  ca?: string | undefined;
  deadlines: Deadlines;
  now: () => number;
  /** Told of each TLS session that was tried. */
  observed: (observation: TlsObservation) => void;
};

export type Reached =
  | {
      ok: true;
      conversation: Conversation;
      way: Way;
      /** `name [address]`. */
      host: string;
      /** What was said to hosts that were asked before it. */
      before: string;
    }
  | {
      ok: false;
      reply: Reply;
      /** `name [address]` of the host whose reply it is, or empty. */
      host: string;
      transcript: string;
      /** At least one host was there, and had not what the mail needs. */
      forTls: boolean;
      /** At least one was there, and cannot take this message: no other shares its fate. */
      lacking: boolean;
      /** Every host lacks what the message cannot do without. */
      permanent: boolean;
    };

type Failed = { reply: Reply; host: string };

/** With less time left than this nobody else is asked. */
const LEAST_MS = 5;

/**
 * The hosts in turn, for a limited time. The first that takes a conversation, shows what is needed and can take the message
 * is it (RFC 5321 section 5.1); else the last refusal, and one that may pass before one that stays. A host that is not used
 * hears QUIT: no mail was begun. One that lacks an extension is not asked at its other addresses.
 */
export async function reach(ways: Ways, needs: Needs, options: ReachOptions): Promise<Reached> {
  const { deadlines } = options;
  const began = performance.now();
  const transcripts = ways.refused.map(({ host, tls }) => `*: ${host.name} is passed over: ${tls.why}`);
  let forTls = false;
  let lacking = false;
  let passing = refusedForNow(ways);
  let lasting: Failed | undefined;
  let tried = 0;
  const unable = new Set<string>();
  observeRefused(ways, options);
  const targets = targetsOf(
    ways.open.map((one) => ({ ...one, addresses: ofFamily(one.host.addresses, options.family) })),
  );
  const unasked = new Set(ways.open.map(({ host }) => host.name));
  for (const [i, { host: way, address }] of targets.entries()) {
    const { name } = way.host;
    if (unable.has(name)) continue;
    const left = deadlines.allHosts - (performance.now() - began);
    if (left < LEAST_MS || tried === MAX_TRIED) break;
    // A host that hangs leaves time for the next.
    const within = i < targets.length - 1 ? Math.min(left, deadlines.connect) : left;
    const host = `${name} [${address}]`;
    unasked.delete(name);
    const opened = await openWay(way, address, within, options);
    if (!opened.ok) {
      tried++;
      if (opened.tlsFault) {
        observe(ways, way, opened.peer, options, { type: opened.tlsFault, why: opened.reply.text });
        forTls = true;
      }
      transcripts.push(opened.transcript);
      passing = { reply: opened.reply, host };
      continue;
    }
    const { conversation } = opened;
    observeSession(conversation, ways, way, options);
    const verdict = conversation.judge(way.tls.need);
    const lack = verdict.ok ? conversation.lacking(needs) : undefined;
    if (verdict.ok && !lack) return { ok: true, conversation, way, host, before: joined(transcripts) };
    conversation.note(`not used: ${verdict.ok ? lack?.text : verdict.why}`);
    transcripts.push(conversation.takeTranscript());
    conversation.close();
    if (verdict.ok || verdict.permanent) unable.add(name);
    else tried++;
    if (!verdict.ok) forTls = true;
    if (lack) lacking = true;
    if (lack) lasting = { reply: lack, host };
    else if (!verdict.ok && verdict.permanent) lasting = { reply: ownReply("5.7.30", verdict.why), host };
    else if (!verdict.ok) passing = { reply: ownReply("4.7.5", verdict.why), host };
  }
  const all = { transcript: joined(transcripts), forTls, lacking };
  if (lasting && !passing && unasked.size === 0) return { ok: false, ...lasting, ...all, permanent: true };
  return { ok: false, ...(passing ?? notAllAsked(lasting)), ...all, permanent: false };
}

const ownReply = (enhanced: string, text: string): Reply => ({ code: 0, enhanced, text, phase: "starttls" });

function notAllAsked(lasting: Failed | undefined): Failed {
  const text = lasting
    ? `${lasting.reply.text}; other mail hosts of the domain could not be asked`
    : "there is no host to ask";
  return { reply: { code: 0, enhanced: "4.4.1", text, phase: "connect" }, host: lasting?.host ?? "" };
}

/** One that is passed over for now may have it later. */
function refusedForNow({ refused }: Ways): Failed | undefined {
  const one = refused.find(({ tls }) => !tls.permanent);
  return one && { reply: ownReply("4.7.5", one.tls.why), host: "" };
}

/** Where mail may go in clear, a host that fails at TLS or does not know EHLO is asked again without. */
async function openWay(way: Way, address: string, withinMs: number, options: ReachOptions): Promise<Opened> {
  const { port, ehlo, localAddress, ca, deadlines } = options;
  const { need } = way.tls;
  const { name } = way.host;
  const began = performance.now();
  const target = { name, address, port, servername: need.servername, ehlo, localAddress, ca, deadlines };
  const first = await openConversation({ ...target, clear: false, withinMs });
  if (first.ok || need.encrypted) return first;
  const isOld = first.reply.phase === "ehlo" && first.reply.code >= 500;
  const left = withinMs - (performance.now() - began);
  if ((!first.tlsFault && !isOld) || left < LEAST_MS) return first;
  return openConversation({ ...target, clear: true, withinMs: left });
}

/** What a session shows is measured against what the domain publishes, whatever we made of it. */
export function observeSession(
  conversation: Conversation,
  ways: Ways,
  way: Way,
  options: Pick<ReachOptions, "now" | "observed">,
): void {
  const verdict = conversation.judge(way.tls.published.need);
  observe(ways, way, conversation.peer, options, verdict.ok ? undefined : verdict);
}

/** A host that is passed over counts as a session that failed (RFC 8460 section 4.3). */
export function observeRefused(ways: Ways, options: Pick<ReachOptions, "now" | "observed">): void {
  for (const way of ways.refused) observe(ways, way, NOBODY, options, way.tls);
}

const NOBODY: Peer = { helo: "", localAddress: "", address: "" };

function observe(
  ways: Ways,
  way: Way | Refused,
  peer: Peer,
  { now, observed }: Pick<ReachOptions, "now" | "observed">,
  failure: { type: TlsResultType; why: string } | undefined,
): void {
  if (!ways.observed) return;
  const { policy }: Published = way.tls.published;
  observed({
    at: now(),
    domain: ways.domain,
    policy,
    failure: failure && {
      type: failure.type,
      reason: failure.why,
      sendingIp: peer.localAddress,
      mxHost: way.host.name,
      mxHelo: peer.helo,
      receivingIp: peer.address,
    },
  });
}
