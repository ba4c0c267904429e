import { createHash } from "node:crypto";

const RELATIVE = "relative.invalid";
/** Of one message; more are told as one fact. */
const MOST_LINKS = 100;

/**
 * Where a link leads, exactly: `https` and `http` by host, the others by scheme and what they name. Undefined: nowhere
 * outside of the message.
 */
function linkTarget(link: string): string | undefined {
  let url: URL;
  try {
    url = new URL(link.trim(), `http://${RELATIVE}/`);
  } catch {
    return `broken:${digest(link)}`;
  }
  const { protocol, hostname } = url;
  if (hostname === RELATIVE || protocol === "cid:") return undefined;
  if (protocol === "http:" || protocol === "https:") return hostname;
  if (protocol === "mailto:") return `mailto:${url.pathname.split("@").at(-1)?.toLowerCase()}`;
  return `${protocol}${digest(url.href)}`;
}

/** A bounded set of link targets. */
export function createLinkSet() {
  const targets = new Set<string>();
  return {
    add(link: string): void {
      if (targets.size >= MOST_LINKS) {
        targets.add("and more");
        return;
      }
      const target = linkTarget(link);
      if (target !== undefined) targets.add(target);
    },
    sorted: (): string[] => [...targets].sort(),
  };
}

const ATTRIBUTE =
  /\b(?:href|src|srcset|action|formaction|background|poster|data|cite)\s{0,20}=\s{0,20}(?:"([^"]{0,2048})"|'([^']{0,2048})'|([^\s"'<>]{1,2048}))/gi;
const CSS_URL = /\burl\(\s{0,20}["']?([^"')]{1,2048})/gi;
const ABSOLUTE = /\b[a-z][a-z0-9+.-]{1,15}:\/\/[^\s"'<>]{1,2048}/gi;

/** Every link of an HTML document, its entities decoded: attributes, styles, and whatever looks like an address. */
export function* linksOfHtml(html: string): Generator<string> {
  for (const [, double, single, bare] of html.matchAll(ATTRIBUTE)) yield double ?? single ?? bare ?? "";
  for (const [, url] of html.matchAll(CSS_URL)) yield url ?? "";
  for (const [url] of html.matchAll(ABSOLUTE)) yield url;
}

export function digest(text: string | Uint8Array): string {
  return createHash("sha256").update(text).digest("base64url").slice(0, 16);
}
