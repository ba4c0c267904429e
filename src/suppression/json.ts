/** One value of a list, by its place counted from 1; or what is wrong with it. */
export type JsonItem = { line: number; value: unknown } | { line: number; why: string };

/** An entry of any provider's list has a few hundred characters. */
const LONGEST_ITEM = 16_384;
/** An entry has a list of tags at most. */
const DEEPEST = 8;
const TOO_LONG = `it is longer than ${LONGEST_ITEM} characters`;

/**
 * The values of a JSON list: of an array, of the first array that an object holds (`SuppressedDestinationSummaries`, `items`), or
 * of that object alone. Each is read by itself, and skipped unread when it is longer than 16,384 characters or nested deeper
 * than eight levels: whatever the text is, none of it takes long. Undefined: it is no list, but may be JSON lines.
 */
export function jsonItems(text: string): Generator<JsonItem> | undefined {
  const start = skipSpace(text, 0);
  if (text[start] === "[") return itemsOf(text, start);
  // JSON lines: an object for each.
  if (/^\{[^\n]*\}[ \t\r]*\n\s*\{/.test(text.slice(start, start + LONGEST_ITEM))) return undefined;
  const list = listIn(text, start);
  if (list !== undefined) return itemsOf(text, list);
  const found = valueEnd(text, start);
  if ("why" in found || skipSpace(text, found.end) < text.length) return undefined;
  return alone(text.slice(start, found.end));
}

function* alone(text: string): Generator<JsonItem> {
  yield { line: 1, ...parsed(text) };
}

/** Where the first array among the members of the object at `start` begins. */
function listIn(text: string, start: number): number | undefined {
  for (let at = start + 1; at < text.length;) {
    at = skipSpace(text, at);
    if (text[at] === ",") at = skipSpace(text, at + 1);
    if (text[at] !== '"') return undefined;
    at = skipSpace(text, stringEnd(text, at));
    if (text[at] !== ":") return undefined;
    at = skipSpace(text, at + 1);
    if (text[at] === "[") return at;
    const found = valueEnd(text, at);
    if ("why" in found) return undefined;
    at = found.end;
  }
  return undefined;
}

function* itemsOf(text: string, start: number): Generator<JsonItem> {
  let at = skipSpace(text, start + 1);
  if (text[at] === "]") return;
  for (let line = 1; ; line++) {
    const from = skipSpace(text, at);
    const found = valueEnd(text, from);
    if ("why" in found) return yield { line, ...found };
    yield { line, ...parsed(text.slice(from, found.end)) };
    at = skipSpace(text, found.end);
    if (text[at] !== ",") return;
    at++;
  }
}

/** JSON that is short enough to be read at once. */
export function parsed(text: string): { value: unknown } | { why: string } {
  if (text.length > LONGEST_ITEM) return { why: TOO_LONG };
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return { why: "it is not JSON" };
  }
}

/** Where the value that begins at `from` ends. What is no JSON ends at some comma or bracket. */
function valueEnd(text: string, from: number): { end: number } | { why: string } {
  const marks = /["{}[\],]/g;
  let depth = 0;
  for (let at = from; ;) {
    marks.lastIndex = at;
    const found = marks.exec(text);
    if (!found) return { why: "the list does not end" };
    const { index, 0: mark } = found;
    if (index - from > LONGEST_ITEM) return { why: TOO_LONG };
    at = index + 1;
    if (mark === '"') at = stringEnd(text, index);
    else if (mark === "{" || mark === "[") depth++;
    else if (depth === 0) return { end: index };
    else if (mark !== "," && --depth === 0) return { end: at };
    if (depth > DEEPEST) return { why: `it is nested deeper than ${DEEPEST} levels` };
  }
}

/** After the string that begins at `from`. */
function stringEnd(text: string, from: number): number {
  for (let at = from + 1; ; at++) {
    at = text.indexOf('"', at);
    if (at < 0) return text.length;
    let before = at;
    while (text[before - 1] === "\\") before--;
    if ((at - before) % 2 === 0) return at + 1;
  }
}

function skipSpace(text: string, from: number): number {
  const space = /[^\s]/g;
  space.lastIndex = from;
  return space.exec(text)?.index ?? text.length;
}
