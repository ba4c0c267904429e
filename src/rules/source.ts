/**
 * The text of the assignment that makes `rule`, from its name to the parenthesis that closes `Rule(...)`. Strings and
 * comments are passed over. Undefined when no file defines it.
 */
export function ruleSource(files: Readonly<Record<string, string>>, rule: string): string | undefined {
  for (const text of Object.values(files)) {
    const start = new RegExp(`^${rule}\\s*(?::[^=\\n]+)?=\\s*Rule\\(`, "m").exec(text);
    if (start) return text.slice(start.index, closing(text, start.index + start[0].length));
  }
  return undefined;
}

/** The index behind the parenthesis that closes the one before `from`. */
function closing(text: string, from: number): number {
  const token = /"""[\s\S]*?"""|'''[\s\S]*?'''|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|#[^\n]*|[()]/g;
  token.lastIndex = from;
  let depth = 1;
  for (let found = token.exec(text); found; found = token.exec(text)) {
    if (found[0] === "(") depth++;
    if (found[0] === ")" && --depth === 0) return token.lastIndex;
  }
  return text.length;
}
