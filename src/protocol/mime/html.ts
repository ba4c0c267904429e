const ENTITIES: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  nbsp: " ",
  auml: "ä",
  ouml: "ö",
  uuml: "ü",
  Auml: "Ä",
  Ouml: "Ö",
  Uuml: "Ü",
  szlig: "ß",
  aacute: "á",
  eacute: "é",
  iacute: "í",
  oacute: "ó",
  uacute: "ú",
  agrave: "à",
  egrave: "è",
  igrave: "ì",
  ograve: "ò",
  ugrave: "ù",
  acirc: "â",
  ecirc: "ê",
  ocirc: "ô",
  atilde: "ã",
  otilde: "õ",
  ntilde: "ñ",
  ccedil: "ç",
  aring: "å",
  laquo: "«",
  raquo: "»",
  rsquo: "’",
  lsquo: "‘",
  hellip: "…",
};

const BREAKS = new Set(
  "br p div tr li ul ol table h1 h2 h3 h4 h5 h6 hr pre blockquote td th dt dd title body".split(" "),
);
const HIDDEN = new Set(["style", "script", "head"]);

const TAG = /<(\/?)([a-z][a-z0-9]{0,15})(?=[\s/>])/iy;
const ADDRESS = /^<[^\s<>]{1,64}@[^\s<>]{1,255}>$/;

/** The words of an HTML text, one line a block. One pass, no nesting, no exception; its cost is linear. */
export function htmlToText(html: string): string {
  const words = lines();
  let at = 0;
  let close = -1;
  const unclosed = new Set<string>();
  while (at < html.length) {
    const open = html.indexOf("<", at);
    if (open !== at) words.add(html.slice(at, open < 0 ? html.length : open));
    if (open < 0) break;
    if (html.startsWith("<!--", open)) {
      const end = html.indexOf("-->", open + 4);
      at = end < 0 ? html.length : end + 3;
      continue;
    }
    if (close < open) close = html.indexOf(">", open);
    if (close < 0) {
      words.add(html.slice(open));
      break;
    }
    TAG.lastIndex = open;
    const tag = TAG.exec(html);
    // What is in angle brackets and no tag is an address: <anna@example.org>.
    if (!tag && close - open < 330 && ADDRESS.test(html.slice(open, close + 1)))
      words.add(html.slice(open, close + 1));
    at = close + 1;
    const name = tag?.[2]!.toLowerCase() ?? "";
    if (tag?.[1] === "" && HIDDEN.has(name) && !unclosed.has(name)) {
      const end = closeOf(html, at, name);
      if (end === undefined) unclosed.add(name);
      else at = end;
    } else if (BREAKS.has(name)) words.end();
  }
  return words.text();
}

/** Collects words: white space is one space, none stands at a line's ends, and no more than one line is empty. */
function lines() {
  let out = "";
  let breaks = 0;
  let space = false;
  return {
    add(raw: string) {
      const piece = raw.includes("&") ? entities(raw) : raw;
      const core = piece.trim();
      if (core === "") {
        space = true;
        return;
      }
      if (out !== "" && breaks > 0) out += breaks > 1 ? "\n\n" : "\n";
      else if (out !== "" && (space || piece.trimStart().length < piece.length)) out += " ";
      out += core.replace(/\s+/g, " ");
      breaks = 0;
      space = piece.trimEnd().length < piece.length;
    },
    end() {
      breaks++;
      space = false;
    },
    text: () => out,
  };
}

/** Behind the closing tag of what is not shown, or undefined. */
function closeOf(html: string, from: number, name: string): number | undefined {
  for (let at = html.indexOf("</", from); at >= 0; at = html.indexOf("</", at + 2)) {
    if (html.slice(at + 2, at + 2 + name.length).toLowerCase() !== name) continue;
    const end = html.indexOf(">", at);
    return end < 0 ? html.length : end + 1;
  }
  return undefined;
}

function entities(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-zA-Z]{2,8}));?/g, (all, dec, hex, name) => {
    if (name !== undefined) return ENTITIES[name as string] ?? all;
    const code = dec === undefined ? parseInt(hex as string, 16) : Number(dec);
    return code > 0 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff)
      ? String.fromCodePoint(code)
      : "";
  });
}
