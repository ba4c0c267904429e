export type CsvRow = { line: number; cells: string[] };

const MOST_CELLS = 50;
const LONGEST_CELL = 4_000;

export type CsvFault = { line: number; why: string };

/**
 * Comma-separated values (RFC 4180; or another separator); LF alone ends a row too. `line` is where a row begins, counted
 * from 1. A row with a cell that does not end, too many or too long cells is a fault.
 */
export function* readCsv(text: string, separator = ","): Generator<CsvRow | CsvFault> {
  let at = 0;
  let line = 1;
  while (at < text.length) {
    const row: CsvRow = { line, cells: [] };
    let why: string | undefined;
    for (;;) {
      const cell = text[at] === '"' ? quoted(text, at, separator) : plainCell(text, at, separator);
      if (cell.open) why = "a quoted value does not end";
      if (row.cells.length >= MOST_CELLS) {
        why = `it has more than ${MOST_CELLS} values`;
        const end = text.indexOf("\n", cell.next);
        at = end < 0 ? text.length : end;
        break;
      }
      if (cell.text.length > LONGEST_CELL) why = "a value is too long";
      else row.cells.push(cell.text.trim());
      line += cell.lines;
      at = cell.next;
      if (text[at] !== separator) break;
      at++;
    }
    if (text[at] === "\r") at++;
    if (text[at] === "\n") at++;
    line++;
    yield why === undefined ? row : { line: row.line, why };
  }
}

type Cell = { text: string; next: number; lines: number; open: boolean };

function plainCell(text: string, from: number, separator: string): Cell {
  const isInside = (at: number) =>
    at < text.length && text[at] !== separator && text[at] !== "\n" && text[at] !== "\r";
  let next = from;
  while (isInside(next)) next++;
  // A CR that ends no row is a value's own.
  while (text[next] === "\r" && text[next + 1] !== "\n" && next + 1 < text.length) {
    next++;
    while (isInside(next)) next++;
  }
  return { text: text.slice(from, next), next, lines: 0, open: false };
}

function quoted(text: string, from: number, separator: string): Cell {
  const parts: string[] = [];
  let start = from + 1;
  for (;;) {
    const end = text.indexOf('"', start);
    if (end < 0) return { text: "", next: text.length, lines: 0, open: true };
    parts.push(text.slice(start, end));
    if (text[end + 1] !== '"') {
      const whole = parts.join('"');
      // What follows the quote up to the next comma belongs to nothing.
      const { next } = plainCell(text, end + 1, separator);
      return { text: whole, next, lines: whole.split("\n").length - 1, open: false };
    }
    start = end + 2;
  }
}
