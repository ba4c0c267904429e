/** What may stand before the `@` of an address (plain or quoted), and behind it. Bounded, and tried at each `@` only. */
const LOCAL = /(?:"(?:[^"\\]|\\.){1,64}"|[^\s<>@",;()[\]]{1,64})$/u;
const DOMAIN = /^(?:[^\s<>@",;()[\]]{1,255}|\[[^\]\s]{1,64}\])/u;
const LONGEST_LOCAL = 132;
const MOST_ADDRESSES = 20;
const LONGEST_LINE = 1_000;

/** `b…@example.com` of `bob@example.com`. What is masked already stays as it is. */
export function maskAddress(address: string): string {
  const at = address.lastIndexOf("@");
  return at < 1 ? "…" : `${firstOf(address.slice(0, at))}…${address.slice(at)}`;
}

/**
 * Masks every address in a remote server's words, and the local part of `address` where it stands alone. Lines are
 * cut after 1,000 characters.
 */
export function maskText(text: string, address: string): string {
  const short = text.length > LONGEST_LINE ? `${text.slice(0, LONGEST_LINE)}…` : text;
  const masked = maskAddresses(short);
  const local = address.slice(0, Math.max(0, address.lastIndexOf("@")));
  if (local.length < 2 || local.includes("…")) return masked;
  const alone = new RegExp(`(?<![\\p{L}\\p{N}@.-])${escapePattern(local)}(?![\\p{L}\\p{N}])`, "giu");
  return masked.replace(alone, `${firstOf(local)}…`);
}

function maskAddresses(text: string): string {
  const parts = text.split("@");
  if (parts.length > MOST_ADDRESSES) {
    // No honest line names so many: it ends with the domain of the last one that is looked at.
    const shown = parts.slice(0, MOST_ADDRESSES);
    shown.push(DOMAIN.exec(shown.pop() ?? "")?.[0] ?? "");
    return `${maskAddresses(shown.join("@"))}…`;
  }
  const [first = "", ...rest] = parts;
  return rest.reduce((done, after) => {
    const local = DOMAIN.test(after) ? LOCAL.exec(done.slice(-LONGEST_LOCAL))?.[0] : undefined;
    if (local === undefined) return `${done}@${after}`;
    return `${done.slice(0, done.length - local.length)}${firstOf(local)}…@${after}`;
  }, first);
}

function firstOf(text: string): string {
  return [...text.replace(/^"/, "")][0] ?? "";
}

function escapePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/gu, "\\$&");
}
