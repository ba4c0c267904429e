import { createHash } from "node:crypto";
import type { Authentication } from "../protocol/authentication/index.ts";
import type { InspectedComplaint } from "../protocol/inspect/types.ts";
import { readToken } from "../protocol/verp/index.ts";
import type { MessageView, RecipientView, Spool } from "../spool/index.ts";
import { isKnownReporter } from "./reporters.ts";
import type { MatchedBy } from "./types.ts";

/** A message that a complaint is about; without a recipient when several had it and nothing says which. */
export type Found = { message: MessageView; recipient: RecipientView | undefined };

/** `Feedback-ID` names the member and the stream, and no message. */
export type Matched =
  | ({ by: Exclude<MatchedBy, "feedback-id"> } & Found)
  | { by: "feedback-id"; did: string; domain: string; stream: string; key: string };

export type MatchContext = {
  spool: Pick<Spool, "message" | "messageByRecipient" | "messagesByMessageId">;
  tokenKey: Uint8Array;
  /** Third and fourth part of our `Feedback-ID`. */
  feedbackId: { region: string; sender: string };
  memberByHandle: (handle: string) => { did: string; domain: string } | undefined;
};

/**
 * The message that a complaint is about: by the token of a return path, by our opaque header, by its Message-ID, at
 * last by `Feedback-ID`. Token and header carry a MAC. The last two anybody can make up: they count only from a
 * provider that runs a feedback loop, and that authentication proves.
 */
export async function matchComplaint(
  complaint: InspectedComplaint,
  to: string,
  authentication: Authentication,
  context: MatchContext,
): Promise<Matched | undefined> {
  const { spool } = context;
  const sent = await byPath(pathsOf(complaint, to), context);
  if (sent) return { by: "token", ...sent };
  const named = await byMark(complaint.original["x-atmos-message"] ?? "", context);
  const isProven = isKnownReporter(authentication);
  // Whoever received one copy knows the header of all: he says nothing for the other recipients.
  if (named) {
    const recipient = isProven ? recipientOf(named, complaint) : onlyOf(named);
    return { by: "header", message: named, recipient };
  }

  if (!isProven) return undefined;
  const same = await spool.messagesByMessageId(complaint.messageId);
  const message = same.find((one) => isTo(one, complaint)) ?? same[0];
  if (message) {
    const recipient =
      same.length === 1 || isTo(message, complaint) ? recipientOf(message, complaint) : undefined;
    return { by: "message-id", message, recipient };
  }
  return byFeedbackId(complaint, context);
}

/** Does it name a message of the pool in a way that nobody else can, be that message here or on another node? */
export function isOfPool(complaint: InspectedComplaint, to: string, tokenKey: Uint8Array): boolean {
  const { original } = complaint;
  const mark = `b+${(original["x-atmos-message"] ?? "").trim()}`;
  return [...pathsOf(complaint, to).map(bare), mark].some((text) => readToken(text, tokenKey) !== undefined);
}

const bare = (path: string) => path.replace(/[<>\s]/g, "");

const pathsOf = ({ original, originalMailFrom, returnPaths }: InspectedComplaint, to: string): string[] =>
  [to, originalMailFrom, original["return-path"] ?? "", ...returnPaths].slice(0, 50);

type Marks = Pick<MatchContext, "spool" | "tokenKey">;

/** The message and recipient to which one of these return paths belongs: it carries a MAC. */
async function byPath(paths: readonly string[], { spool, tokenKey }: Marks) {
  for (const path of paths) {
    const id = readToken(bare(path), tokenKey);
    const message = id === undefined ? undefined : await spool.messageByRecipient(id);
    const recipient = message?.recipients.find((one) => one.id === id);
    if (message && recipient) return { message, recipient };
  }
  return undefined;
}

/** The message of which `X-Atmos-Message` says this: it carries a MAC. */
async function byMark(mark: string, { spool, tokenKey }: Marks): Promise<MessageView | undefined> {
  const id = readToken(`b+${mark.trim()}`, tokenKey);
  return id === undefined ? undefined : spool.message(id);
}

/** The message of ours that a header names which somebody shows: by what nobody can make up. */
export async function messageOf(
  { message, returnPaths }: { message: string; returnPaths: readonly string[] },
  marks: Marks,
): Promise<MessageView | undefined> {
  return (await byPath(returnPaths, marks))?.message ?? (await byMark(message, marks));
}

const onlyOf = ({ recipients }: MessageView) => (recipients.length === 1 ? recipients[0] : undefined);

const isTo = ({ recipients }: MessageView, { recipient }: InspectedComplaint) =>
  recipients.some(({ address }) => address.toLowerCase() === recipient.toLowerCase());

function recipientOf(message: MessageView, { recipient }: InspectedComplaint): RecipientView | undefined {
  const { recipients } = message;
  if (recipients.length === 1) return onlyOf(message);
  return recipients.find(({ address }) => address.toLowerCase() === recipient.toLowerCase());
}

function byFeedbackId(
  { feedbackId, messageId, arrivedAt, recipient }: InspectedComplaint,
  context: MatchContext,
): Matched | undefined {
  const [stream = "", handle = "", region, sender, ...more] = feedbackId.trim().split(":");
  const own = context.feedbackId;
  if (more.length > 0 || region !== own.region || sender !== own.sender) return undefined;
  const member = context.memberByHandle(handle);
  if (!member) return undefined;
  const said = [feedbackId, messageId, arrivedAt ?? "", recipient].join("\n");
  const key = createHash("sha256").update(said).digest("base64url").slice(0, 22);
  return { by: "feedback-id", ...member, stream: stream.slice(0, 20), key };
}
