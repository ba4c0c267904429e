/** What a rule looks for in the words of a reply: pieces that follow each other, in lower case. */
export type Phrase = readonly string[];

const MAX_PHRASE = 200;
const MIN_LITERAL = 3;
/** Of a reply so much is looked at. */
export const MAX_TEXT = 1_000;

const REGEX = /\\[dswbDSWB[\](){}.*+?|^$]|\.[*+]|\[[^\]]*\][*+?{]|\(\?/;

/**
 * Reads a phrase: plain words, `*` for anything between, `#` for one digit. Upper and lower case are the same, and so is
 * any run of white space. These are no regular expressions, so that none can be slow: a text of n characters is matched
 * by a phrase of m in at most n times m steps.
 */
export function readPhrase(text: string): { ok: true; phrase: Phrase } | { ok: false; why: string } {
  const plain = text.trim().replace(/\s+/g, " ").toLowerCase();
  if (plain.length > MAX_PHRASE)
    return { ok: false, why: `is longer than the ${MAX_PHRASE} characters that a phrase may have` };
  if (REGEX.test(text)) {
    const why = "looks like a regular expression: write plain words, * for anything between, # for one digit";
    return { ok: false, why };
  }
  const phrase = plain.split("*").filter((piece) => piece !== "");
  if (phrase.join("").replace(/[#\s]/g, "").length < MIN_LITERAL)
    return { ok: false, why: `needs at least ${MIN_LITERAL} characters beside *, # and spaces` };
  return { ok: true, phrase };
}

/** The form in which words are compared. */
export function wordsOf(text: string): string {
  return text.slice(0, MAX_TEXT).replace(/\s+/g, " ").toLowerCase();
}

/** Are the pieces in the words, one after the other? Each at its first place: that is enough, for all have a fixed length. */
export function contains(words: string, phrase: Phrase): boolean {
  let from = 0;
  for (const piece of phrase) {
    const at = piece.includes("#") ? findDigits(words, piece, from) : words.indexOf(piece, from);
    if (at < 0) return false;
    from = at + piece.length;
  }
  return true;
}

function findDigits(words: string, piece: string, from: number): number {
  for (let at = from; at + piece.length <= words.length; at++) {
    let i = 0;
    while (i < piece.length && fits(words.charCodeAt(at + i), piece.charCodeAt(i))) i++;
    if (i === piece.length) return at;
  }
  return -1;
}

const HASH = 35;
const fits = (char: number, wanted: number) => (wanted === HASH ? char >= 48 && char <= 57 : char === wanted);
