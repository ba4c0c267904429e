type Piece = { kind: "any" } | { kind: "one"; takes: (char: string) => boolean };

/** Whether a path matches a shell pattern as Python's `fnmatch` reads it: `*`, `?`, `[a-z]` and `[!a-z]`; `*` takes "/" too. */
export function globMatches(glob: string, path: string): boolean {
  const pieces = piecesOf(Array.from(glob));
  const chars = Array.from(path);
  let [piece, char] = [0, 0];
  let [star, resume] = [-1, 0];
  while (char < chars.length) {
    const current = pieces[piece];
    if (current?.kind === "any") {
      [star, resume] = [piece, char];
      piece += 1;
    } else if (current?.kind === "one" && current.takes(chars[char]!)) {
      piece += 1;
      char += 1;
    } else if (star >= 0) {
      resume += 1;
      [piece, char] = [star + 1, resume];
    } else return false;
  }
  return pieces.slice(piece).every((rest) => rest.kind === "any");
}

function piecesOf(glob: string[]): Piece[] {
  const pieces: Piece[] = [];
  for (let at = 0; at < glob.length; at += 1) {
    const char = glob[at]!;
    const end = char === "[" ? closing(glob, at + 1) : -1;
    if (char === "*") pieces.push({ kind: "any" });
    else if (char === "?") pieces.push({ kind: "one", takes: () => true });
    else if (end === -1) pieces.push({ kind: "one", takes: (other) => other === char });
    else {
      pieces.push({ kind: "one", takes: oneOf(glob.slice(at + 1, end)) });
      at = end;
    }
  }
  return pieces;
}

/** Where the set that begins here ends; a "]" that comes first belongs to it. */
function closing(glob: string[], start: number): number {
  const first = glob[start] === "!" ? start + 1 : start;
  return glob.indexOf("]", first + 1);
}

function oneOf(set: string[]): (char: string) => boolean {
  const negated = set[0] === "!";
  const items = negated ? set.slice(1) : set;
  return (char) => holds(items, char) !== negated;
}

function holds(items: string[], char: string): boolean {
  for (let at = 0; at < items.length; at += 1) {
    const isRange = items[at + 1] === "-" && at + 2 < items.length;
    if (isRange ? items[at]! <= char && char <= items[at + 2]! : items[at] === char) return true;
    if (isRange) at += 2;
  }
  return false;
}
