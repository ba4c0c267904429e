import type { RelayContext } from "../context.ts";
import { isSigned } from "../signing/index.ts";
import type { Conversation } from "./conversation.ts";
import type { Job, JobEnd } from "./job.ts";
import { localFault } from "./result.ts";
import type { Way } from "./ways.ts";

export type SendOver = {
  conversation: Conversation;
  job: Job;
  /** `name [address]`. */
  host: string;
  way: Way;
  /** What was said to hosts that were asked before. */
  before: string;
  /** Called when the content is there, before the first word: false stops it. */
  begins: () => boolean;
};

/** `again`: the host ended the connection before it heard of it; over another one it may go at once. */
export type Sent = { end: JobEnd | "again"; usable: boolean };

/** One message over an open connection. Never rejects. */
export async function send(
  { conversation, job, host, way, before, begins }: SendOver,
  { clock, log, metrics, shaping }: Pick<RelayContext, "clock" | "log" | "metrics" | "shaping">,
): Promise<Sent> {
  const at = clock.now();
  const began = performance.now();
  const { message, address, notify, orcpt } = job.leased;
  const { provider } = job.route;
  const { need } = way.tls;
  const egress = job.egress.address;
  const about = { at, host, provider, tls: conversation.tls, tlsPolicy: need.reason, egress };
  try {
    const content = await job.content();
    if (!begins()) return { end: { kind: "stopped", asked: false }, usable: true };
    if (!content) throw new Error("its content is not there");
    if (!isSigned(content.head)) throw new Error("it is not signed");
    const result = await conversation.transfer({
      from: job.from,
      recipients: [{ address, notify, orcpt }],
      size: message.size,
      eightBit: message.eightBit,
      smtpUtf8: message.smtpUtf8,
      requireTls: need.requireTls,
      ret: message.ret,
      envid: message.envid,
      content: pieces(content.head, content.body()),
      mayFinish: job.mayGo,
      isRetry: job.leased.attempts > 0,
    });
    if (result.aborted) return { end: { kind: "stopped", asked: true }, usable: false };
    if (result.unheard) return { end: "again", usable: false };
    const { replies, tells, usable } = result;
    const reply = replies[0]!;
    if (reply.code >= 200 && reply.code < 300)
      metrics.transports.inc({ needed: need.reason, went: conversation.tls ? "tls" : "clear" });
    const transcript = [before, result.transcript].filter(Boolean).join("\n");
    const durationMs = Math.round(performance.now() - began);
    const judged = shaping.judge(provider, reply);
    const tried = { ...about, durationMs, reply, judged, transcript, tells };
    const asked = !reply.own;
    return { end: { kind: "tried", result: tried, asked, shared: false, unreached: false }, usable };
  } catch (err) {
    log.error({ err, message: message.id }, "a message could not be sent for a fault of ours");
    const result = { ...about, ...localFault("a local fault of the relay") };
    return {
      end: { kind: "tried", result, asked: false, shared: true, unreached: false },
      usable: false,
    };
  }
}

async function* pieces(head: Uint8Array, body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield head;
  yield* body;
}
