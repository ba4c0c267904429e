import type { EgressNotice, EgressStatus } from "../egress/index.ts";
import type { MeasureKind } from "../shaping/index.ts";

/** What replies of a provider made us do. */
export type MeasureLine = {
  kind: MeasureKind;
  /** As `atmos shaping lift` takes it. */
  provider: string;
  /** For people. */
  providerName: string;
  /** An address of ours, or a member's DID. */
  subject: string;
  /** Of the member; null: it is about an address. */
  domain: string | null;
  since: number;
  until: number;
  /** What the provider said. */
  why: string;
  /** What is to be done, from the rule that knows the reply; null: it says nothing. */
  advice: string | null;
};

/** A provider to which mail of a member waits. */
export type WaitingAt = Pick<MeasureLine, "providerName" | "until" | "why" | "advice"> & {
  provider: string;
  /** It asked it of this member; else of all addresses that mail leaves from. */
  ofMember: boolean;
};

export type EgressView = {
  addresses: EgressStatus[];
  /** What the committee was told, the newest first. */
  notices: EgressNotice[];
  /** What leaves and what waits in the next days with `perDay` messages a day, which is the mean of the last week. */
  plan: { perDay: number; days: { sent: number; waits: number }[]; clearFrom: number | null };
};
