import { z } from "zod";
import { isSignedBy, sign, type SigningKey, type VerifyingKey } from "../platform/sign.ts";
import { NODE_STATES } from "../policy/index.ts";

/** Core lives: every few seconds, keyed by nothing but itself. */
export const PULSE_TOPIC = "core.pulse";
/** What a node is to do, keyed by its name: the last word counts. */
export const NODE_COMMAND_TOPIC = "node.command";
/** How each node is, keyed by its name. */
export const NODE_STATUS_TOPIC = "node.status";

const name = z.string().min(1).max(64);
const Pulse = z.object({ at: z.number().int(), version: z.string().max(40) });
const Command = z.object({
  node: name,
  action: z.enum(["drain", "serve"]),
  by: z.string().max(100),
  /** Ms since the epoch. */
  at: z.number().int(),
});
export type NodeCommand = z.infer<typeof Command>;

export const NodeStatus = z.object({
  node: name,
  version: z.string().max(40),
  /** Ms since the epoch: when it started, and when it said this. */
  since: z.number().int(),
  at: z.number().int(),
  state: z.enum(NODE_STATES),
  /** Recipients in its spool. */
  queued: z.number().int().min(0),
  deferred: z.number().int().min(0),
  held: z.number().int().min(0),
  /** Messages that wait on its disk for the brokers. */
  waiting: z.number().int().min(0),
  egress: z.array(z.object({ address: z.string().max(64), out: z.string().max(300).nullable() })).max(64),
});
export type NodeStatus = z.infer<typeof NodeStatus>;

/** Signed by core: whoever may write to the brokers could keep a node alive, or stop it. */
const Signed = z.object({ text: z.string().max(10_000), signature: z.string().max(200) });
type Signed = z.infer<typeof Signed>;

function close(purpose: string, value: unknown, signWith: SigningKey): Signed {
  const text = JSON.stringify(value);
  return { text, signature: sign(signWith, purpose, text) };
}

function open<T>(purpose: string, form: z.ZodType<T>, value: unknown, signedBy: VerifyingKey): T | undefined {
  const signed = Signed.safeParse(value);
  if (!signed.success) return undefined;
  const { text, signature } = signed.data;
  if (!isSignedBy(signedBy, purpose, text, signature)) return undefined;
  // Core wrote it, and may be of a later version.
  const parsed = form.safeParse(JSON.parse(text));
  return parsed.success ? parsed.data : undefined;
}

const PULSE = "core pulse";
const COMMAND = "node command";

export const closePulse = (pulse: z.infer<typeof Pulse>, signWith: SigningKey) =>
  close(PULSE, pulse, signWith);
/** Undefined: core did not say it. */
export const openPulse = (value: unknown, signedBy: VerifyingKey) => open(PULSE, Pulse, value, signedBy);
export const closeCommand = (command: NodeCommand, signWith: SigningKey) => close(COMMAND, command, signWith);
export const openCommand = (value: unknown, signedBy: VerifyingKey) =>
  open(COMMAND, Command, value, signedBy);
