import { exim } from "./exim.ts";
import { maddy } from "./maddy.ts";
import { haraka } from "./haraka.ts";
import { opensmtpd } from "./opensmtpd.ts";
import { postfix } from "./postfix.ts";
import { rspamd } from "./rspamd.ts";
import type { ListNames, MakeSnippet, Snippet } from "./snippet.ts";
import { spamassassin } from "./spamassassin.ts";
import { stalwart } from "./stalwart.ts";

export type { Snippet } from "./snippet.ts";

const ALL: readonly MakeSnippet[] = [postfix, rspamd, spamassassin, exim, opensmtpd, haraka, maddy, stalwart];

/** What to put where, for each program that we know, with the names of this list. */
export function snippets(list: ListNames): Snippet[] {
  return ALL.map((make) => make(list));
}
