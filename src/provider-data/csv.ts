const MOST_ROWS = 20_000;
const MOST_FIELDS = 64;

/** Rows of a CSV text (RFC 4180); CR LF or LF, quoted fields with doubled quotes. Undefined: too much of it, or a quote is open. */
export function parseCsv(text: string): string[][] | undefined {
  const rows: string[][] = [];
  let row: string[] = [];
  let field = "";
  let quoted = false;
  const source = text.replace(/^\uFEFF/, "");
  for (let i = 0; i < source.length; i++) {
    const c = source[i]!;
    if (quoted) {
      if (c !== '"') field += c;
      else if (source[i + 1] === '"') {
        field += '"';
        i++;
      } else quoted = false;
    } else if (c === '"' && field.trim() === "") {
      field = "";
      quoted = true;
    } else if (c === ",") {
      row.push(field);
      field = "";
      if (row.length > MOST_FIELDS) return undefined;
    } else if (c === "\n") {
      row.push(field.replace(/\r$/, ""));
      rows.push(row);
      row = [];
      field = "";
      if (rows.length > MOST_ROWS) return undefined;
    } else field += c;
  }
  if (quoted) return undefined;
  if (field !== "" || row.length > 0) rows.push([...row, field.replace(/\r$/, "")]);
  return rows.filter((one) => one.some((value) => value.trim() !== ""));
}
