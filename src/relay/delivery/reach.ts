import type { Family } from "../../egress/index.ts";
import type { Published, TlsObservation, TlsResultType } from "../../transport/index.ts";
import type { Deadlines } from "../context.ts";
import { openConversation, type Conversation, type Opened, type Peer, type Reply } from "./conversation.ts";
import { ofFamily, targetsOf } from "./route.ts";
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
      /** `name [address]` of the last that was asked, or empty. */
      host: string;
      transcript: string;
      /** At least one host was there, and had not what the mail needs. */
      forTls: boolean;
      /** Every host lacks what the message cannot do without. */
      permanent: boolean;
    };

/** With less time left than this nobody else is asked. */
const LEAST_MS = 5;

/**
 * The hosts in turn, for a limited time. The first that takes a conversation and shows what is needed is it; else the last
 * refusal. A host that does not show it hears QUIT: no mail was begun.
 */
export async function reach(ways: Ways, options: ReachOptions): Promise<Reached> {
  const { deadlines } = options;
  const began = performance.now();
  const transcripts = ways.refused.map(({ host, tls }) => `*: ${host.name} is passed over: ${tls.why}`);
  let reply: Reply = { code: 0, enhanced: "4.4.1", text: "there is no host to ask", phase: "connect" };
  let last = "";
  let forTls = false;
  // One that is passed over for now may have it later.
  let permanent = ways.refused.every(({ tls }) => tls.permanent);
  observeRefused(ways, options);
  const targets = targetsOf(
    ways.open.map((one) => ({ ...one, addresses: ofFamily(one.host.addresses, options.family) })),
  );
  for (const [i, { host: way, address }] of targets.entries()) {
    const left = deadlines.allHosts - (performance.now() - began);
    if (left < LEAST_MS) {
      permanent = false;
      break;
    }
    // A host that hangs leaves time for the next.
    const within = i < targets.length - 1 ? Math.min(left, deadlines.connect) : left;
    last = `${way.host.name} [${address}]`;
    const opened = await openWay(way, address, within, options);
    if (!opened.ok) {
      if (opened.tlsFault) {
        observe(ways, way, opened.peer, options, { type: opened.tlsFault, why: opened.reply.text });
        forTls = true;
      }
      transcripts.push(opened.transcript);
      reply = opened.reply;
      permanent = false;
      continue;
    }
    const { conversation } = opened;
    observeSession(conversation, ways, way, options);
    const verdict = conversation.judge(way.tls.need);
    if (verdict.ok) return { ok: true, conversation, way, host: last, before: joined(transcripts) };
    conversation.note(`not used: ${verdict.why}`);
    transcripts.push(conversation.takeTranscript());
    conversation.close();
    reply = {
      code: 0,
      enhanced: verdict.permanent ? "5.7.30" : "4.7.5",
      text: verdict.why,
      phase: "starttls",
    };
    forTls = true;
    permanent &&= verdict.permanent;
  }
  return {
    ok: false,
    reply,
    host: last,
    transcript: joined(transcripts),
    forTls,
    permanent: permanent && forTls,
  };
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
