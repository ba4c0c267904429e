/** Where the keys of a TOML document stand: line numbers by path, the parts joined by U+0000. */
export type Lines = ReadonlyMap<string, number>;

const JOIN = "\0";

/**
 * Notes the line of each table header and key. For a document that a TOML parser has accepted; keys within inline tables
 * are not noted.
 */
export function linesOf(text: string): Lines {
  const lines = new Map<string, number>();
  let table: string[] = [];
  let at = 0;
  let line = 1;
  const note = (path: readonly string[]) => {
    for (let n = 1; n <= path.length; n++) {
      const key = path.slice(0, n).join(JOIN);
      if (!lines.has(key)) lines.set(key, line);
    }
  };
  while (at < text.length) {
    const end = endOf(text, at);
    const first = text.slice(at, end);
    const header = /^\s*\[\[?([^\n]*?)\]\]?\s*(?:#.*)?$/.exec(first.split("\n", 1)[0]!.trimEnd());
    const assigned = header ? undefined : keyPath(first);
    if (header) note((table = keyPath(`${header[1]}=`) ?? []));
    else if (assigned) note([...table, ...assigned]);
    line += first.split("\n").length;
    at = end + 1;
  }
  return lines;
}

/** The line of a key, or of the nearest table around it. */
export function lineAt(lines: Lines, path: readonly PropertyKey[]): number {
  const parts = path.filter((part) => typeof part === "string");
  for (let n = parts.length; n > 0; n--) {
    const line = lines.get(parts.slice(0, n).join(JOIN));
    if (line !== undefined) return line;
  }
  return 1;
}

/** `a."b.c" = ...` -> a, b.c */
function keyPath(text: string): string[] | undefined {
  const path: string[] = [];
  const part = /\s*(?:"((?:[^"\\\n]|\\.)*)"|'([^'\n]*)'|([A-Za-z0-9_-]+))\s*([.=])/y;
  for (;;) {
    const found = part.exec(text);
    if (!found) return undefined;
    path.push(found[1] ?? found[2] ?? found[3]!);
    if (found[4] === "=") return path;
  }
}

/** Where the statement that begins here ends: at a line's end outside of strings and brackets. */
function endOf(text: string, start: number): number {
  let depth = 0;
  let at = start;
  const header = /^\s*\[/.test(text.slice(start, start + 200));
  while (at < text.length) {
    const char = text[at]!;
    if (char === "\n" && (depth === 0 || header)) return at;
    if (char === "#") at = lineEnd(text, at) - 1;
    else if (char === '"' || char === "'") at = stringEnd(text, at) - 1;
    else if (char === "[" || char === "{") depth++;
    else if (char === "]" || char === "}") depth--;
    at++;
  }
  return text.length;
}

function lineEnd(text: string, at: number): number {
  const end = text.indexOf("\n", at);
  return end < 0 ? text.length : end;
}

function stringEnd(text: string, at: number): number {
  const quote = text[at]!;
  const close = text.startsWith(quote.repeat(3), at) ? quote.repeat(3) : quote;
  let i = at + close.length;
  while (i < text.length && !text.startsWith(close, i)) i += quote === '"' && text[i] === "\\" ? 2 : 1;
  // Up to two quotes may stand before the three that close.
  while (close.length === 3 && text[i + 3] === quote) i++;
  return i + close.length;
}
