/** The topic on which core tells relay nodes what becomes of mail that is held. */
export const QUEUE_COMMAND_TOPIC = "queue.command";

/** Told twice it changes nothing more. */
export type QueueCommand = {
  action: "release" | "drop";
  did: string;
  /** The credential that submitted the mail; null: the member's mail whatever submitted it. */
  credential: string | null;
  /** The credential that has taken its place: the mail counts as its own from now on. */
  as: string | null;
  /** Mail that was taken later is not meant, ms since the epoch. */
  receivedUpTo: number;
  by: string;
  reason: string;
};
