import { decodeEntities } from "./words.ts";

/** What an HTML document tells. */
export type Html = {
  /** What a reader may see: text, and what of attributes is shown. */
  text: string;
  /** What some programs show and others do not: the text of comments with markup in them. */
  aside: string;
  /** Where it leads and what it loads. */
  links: string[];
  /** Styles and scripts: nobody reads them, and they can show anything. */
  unseen: string[];
};

const LINKS =
  /^(?:(?:xlink:)?href|src|action|formaction|background|poster|data|cite|longdesc|dynsrc|lowsrc|codebase)$/;
const SHOWN = /^(?:alt|title|value|placeholder|label|summary|aria-label)$/;
/** Elements whose content is text, whatever stands in it. */
const TEXT_ONLY = /^(?:title|textarea|xmp|iframe|noembed|noframes|noscript|plaintext)$/;
/** Tags without an end that are looked at; then the rest is text. */
const MOST_BROKEN = 20;

const TAG = /<\/?([a-z][^\s/>]*)/iy;
/** A name, and its value; `=` is the first character of a name, not the last. */
const ATTRIBUTE = /([^\s/>][^\s/>=]*)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>"'][^\s>]*)))?/y;
const OPEN_QUOTE = /\s*=\s*["']/y;
const GAP = /[\s/]*/y;
const EMPTY_COMMENT = /<!---?>/y;
const COMMENT_END = /--!?>/g;
const RAW_END = { style: /<\/style[\s/>]/gi, script: /<\/script[\s/>]/gi };
const CLOSING = /<\//g;
const CSS_URL = /\burl\(\s{0,20}["']?([^"')]{1,2048})/gi;
const ABSOLUTE = /\b[a-z][a-z0-9+.-]{1,15}:\/\/[^\s"'<>]{1,2048}/gi;

/**
 * Reads a document as the tokenizer of the HTML standard does (section 13.2.5). Where programs differ it takes what it is
 * for more text rather than less: a value with `<` or `>` in it may be no value. Linear in the length of `html`.
 */
export function readHtml(html: string, inComment = false): Html {
  const page: Html = { text: "", aside: "", links: [], unseen: [] };
  const text: string[] = [];
  let at = 0;
  let broken = 0;
  let noComments = inComment;

  function attribute(name: string, raw: string): void {
    const value = decodeEntities(raw);
    if (LINKS.test(name)) page.links.push(value);
    else if (name === "srcset")
      for (const one of value.split(",")) page.links.push(one.trim().split(/\s/)[0]!);
    else if (name === "style") style(value);
    if (SHOWN.test(name) || /[<>]/.test(raw)) text.push(" ", value, " ");
  }

  function style(css: string): void {
    for (const [, url] of css.matchAll(CSS_URL)) page.links.push(url ?? "");
  }

  /** From behind its name to behind its `>`. False: it has no end. */
  function attributes(): boolean {
    for (;;) {
      at += matchAt(GAP, html, at)![0].length;
      if (html[at] === ">") return ++at > 0;
      const found = matchAt(ATTRIBUTE, html, at);
      if (!found) return false;
      at += found[0].length;
      const value = found[2] ?? found[3] ?? found[4];
      if (value !== undefined) attribute(found[1]!.toLowerCase(), value);
      else if (matchAt(OPEN_QUOTE, html, at)) return false;
    }
  }

  /** Where the comment that begins at `open` ends; undefined: none begins there, or it never ends. */
  function endOfComment(open: number): number | undefined {
    const empty = matchAt(EMPTY_COMMENT, html, open);
    if (empty) return open + empty[0].length;
    if (noComments || !html.startsWith("<!--", open)) return undefined;
    const end = matchAt(COMMENT_END, html, open + 4);
    if (!end) {
      noComments = true;
      return undefined;
    }
    const content = html.slice(open + 4, end.index);
    if (/[<>]/.test(content)) {
      const inner = readHtml(content, true);
      page.aside += ` ${inner.text}`;
      page.links.push(...inner.links);
      page.unseen.push(...inner.unseen);
    }
    return end.index + end[0].length;
  }

  /** What stands up to `end`, or to the end of the document. */
  function upTo(end: RegExp): string {
    const start = at;
    at = matchAt(end, html, at)?.index ?? html.length;
    return html.slice(start, at);
  }

  for (let open = html.indexOf("<"); open >= 0; open = html.indexOf("<", at)) {
    text.push(decodeEntities(html.slice(at, open)), " ");
    const end = endOfComment(open);
    at = end ?? open + 1;
    const tag = end === undefined ? matchAt(TAG, html, open) : null;
    if (!tag) continue;
    const behindName = open + tag[0].length;
    at = behindName;
    if (!attributes()) {
      // A quote that is never closed hides the rest from browsers, and nothing from us.
      at = behindName;
      if (++broken === MOST_BROKEN) break;
      continue;
    }
    const name = tag[1]!.toLowerCase();
    if (tag[0][1] === "/") continue;
    if (name === "style" || name === "script") {
      const content = upTo(RAW_END[name]);
      style(content);
      page.unseen.push(content.replace(/\s+/g, " "));
    } else if (TEXT_ONLY.test(name)) text.push(decodeEntities(upTo(CLOSING)), " ");
  }
  text.push(decodeEntities(html.slice(at)));
  for (const [url] of decodeEntities(html).matchAll(ABSOLUTE)) page.links.push(url);
  return { ...page, text: text.join("") };
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}
