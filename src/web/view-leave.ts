/** Leaving, and what is kept after it. Times in ms since the epoch. */
export type MemberLeaveView = {
  did: string;
  domain: string;
  membership: "applicant" | "member" | "left";
  leftAt: number | null;
  deletedAt: number | null;
  consequences: { what: string; outcome: string }[];
  kept: { what: string; why: string; howLong: string }[];
};

/** Whether what somebody typed to confirm is the name that stands there. */
export const confirms = ({ domain }: Pick<MemberLeaveView, "domain">, typed: string): boolean =>
  typed.trim().toLowerCase() === domain.toLowerCase();

type Done = { done: true } | { refused: string };

export type LeavePages = {
  /** Null: there is no such member. */
  view: (did: string) => Promise<MemberLeaveView | null>;
  leave: (did: string, by: string, reason: string) => Promise<Done>;
  /** Deletes what need not stay of who has left. */
  forget: (did: string, by: string) => Promise<Done>;
};
