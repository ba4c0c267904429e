import type { AbuseOutcome, EntryAction, EntryDetail, EntryView, Folder } from "../inbox/index.ts";

export type InboxList = {
  folder: Folder;
  /** Newest first, one page. */
  entries: EntryView[];
  /** `before` of the next page. */
  next: number | null;
  /** Open entries of each folder. */
  counts: Record<Folder, number>;
};

/** What the pages of the committee's inbox ask for and do. */
export type InboxPages = {
  list(folder: Folder, before: number | undefined): InboxList;
  show(id: number): Promise<EntryDetail | undefined>;
  /** False: there is no such entry. */
  act(id: number, what: { action: EntryAction; by: string; note: string; to: string }): boolean;
  /** What became of a report of abuse, for whoever reported it. False: there is no such report. */
  answer(id: number, what: { outcome: AbuseOutcome; by: string; words: string }): boolean;
};
