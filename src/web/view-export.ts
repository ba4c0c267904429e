/** What the page says before anything is taken. Times in ms since the epoch. */
export type MemberExportView = {
  asOf: number;
  did: string;
  domain: string;
  files: { name: string; about: string }[];
  /** What a proof would say now; a sentence where there is none. */
  proof:
    | { refused: string }
    | {
        since: string;
        tier: string;
        standing: string;
        changes: number;
        accepted: number;
        months: number;
        bounces: number | null;
        complaints: number | null;
        labels: string[];
        issuer: string;
      };
};

export type ExportFile = { name: string; type: string; bytes: AsyncIterable<Uint8Array> };

/** What a member takes along. */
export type ExportPages = {
  /** Null: there is no such member. */
  view: (did: string) => Promise<MemberExportView | null>;
  /** `whole`: with the addresses of recipients. */
  archive: (did: string, whole: boolean) => ExportFile | { refused: string };
  proof: (did: string) => Promise<ExportFile | { refused: string }>;
};
