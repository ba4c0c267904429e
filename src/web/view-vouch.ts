import type { OwnVouch } from "../member/index.ts";

/** For whom a member speaks. */
export type VouchView = {
  did: string;
  domain: string;
  /** Why it may not speak for anybody now; null: it may. */
  refused: string | null;
  vouches: OwnVouch[];
};

type Done = { done: true } | { refused: string };

export type VouchPages = {
  /** Null: there is no such member. */
  view: (did: string) => VouchView | null;
  /** `account`: a handle or a DID of an applicant. */
  vouch: (did: string, account: string, words: string) => Promise<Done>;
  withdraw: (did: string, id: number) => Done;
};
