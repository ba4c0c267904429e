import type { InspectedRecipient } from "./types.ts";

/** What a bounce says of one recipient, before it is judged. */
export type Failure = {
  address: string;
  action: InspectedRecipient["action"];
  /** As given, or empty. */
  status: string;
  diagnostic: string;
  remoteMta: string;
  /** What the notice for people says about it. */
  notice: string;
  /** All that the notice says, where it is about one recipient only. */
  context: string;
};
