/** What a program's operator puts where, so that it asks this list. */
export type Snippet = {
  name: string;
  title: string;
  files: { path: string; text: string }[];
  /** How the program takes it up. */
  reload: string;
  trusts: string;
  never: string;
  /** Our tests run it in the program itself. */
  isTested: boolean;
};

/** The names of a list, without a final dot, and where its files are, such as `https://coop.example/allowlist`. */
export type ListNames = { zone: string; url: string };
export type MakeSnippet = (list: ListNames) => Snippet;
