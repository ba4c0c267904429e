import type { PolicyCount } from "../protocol/tls-rpt/index.ts";
import type { DayTotal, ReportRow } from "./store.ts";

/** A report that is to be mailed. */
export type ReportWish = {
  /** Of the message in the spool: the same report to the same address has the same. */
  message: string;
  reportId: string;
  to: string;
  /** Of the recipients that it is about. */
  domain: string;
  fileName: string;
  gzip: Uint8Array;
};

/** What became of a mail. `unknown`: the spool has nothing of that id. */
export type MailFate = { state: "waiting" | "delivered" | "unknown" } | { state: "failed"; why: string };

/** Our own mail out. */
export type ReportPost = {
  /** Takes the mail in, once for each id. False: it is no address that mail can go to. Rejects when nothing is taken now. */
  send(wish: ReportWish): Promise<boolean>;
  fate(message: string): Promise<MailFate>;
};

/** A day as `2026-11-22`. */
export type ReportView = Omit<ReportRow, "day"> & { day: string; reportId: string };
export type DayView = Omit<DayTotal, "day"> & { day: string };
export type DomainView = { day: string; policies: PolicyCount[]; report: ReportView | undefined };
