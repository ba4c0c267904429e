import { createHash } from "node:crypto";

const RELATIVE = "relative.invalid";
/** Of one message; more are told as one fact. */
const MOST_LINKS = 100;

/**
 * Where a link leads, exactly: `https` and `http` by host, the others by scheme and what they name. Undefined: nowhere
 * outside of the message.
 */
function linkTarget(link: string): string | undefined {
  // `http:host` is a host to who reads it on a page of another scheme.
  const url = URL.parse(link) ?? URL.parse(link, `http://${RELATIVE}/`);
  if (!url) return `broken:${digest(link)}`;
  const { protocol, hostname } = url;
  if (hostname === RELATIVE || protocol === "cid:") return undefined;
  if (protocol === "http:" || protocol === "https:") return hostname;
  if (protocol === "mailto:") return `mailto:${domainsIn(url.href)}`;
  return `${protocol}${digest(url.href)}`;
}

/** Of all its addresses, those that get a copy too. */
function domainsIn(mailto: string): string {
  const domains =
    mailto
      .toLowerCase()
      .replaceAll("%40", "@")
      .match(/@[^@,;&?#\s]+/g) ?? [];
  return [...new Set(domains)].sort().join("");
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

export function digest(text: string | Uint8Array): string {
  return createHash("sha256").update(text).digest("base64url").slice(0, 16);
}
