/** What a program's operator puts where, so that it asks this list. */
export type Snippet = {
  name: string;
  title: string;
  /** What of a mail it asks the list for, a sentence. */
  asks: string;
  files: { path: string; text: string }[];
  /** How the program takes it up. */
  reload: string;
  trusts: string;
  never: string;
  /** Our tests run it in the program itself. */
  isTested: boolean;
};

/** The name of a list, without a final dot. */
export type ListNames = { zone: string };
export type MakeSnippet = (list: ListNames) => Snippet;
