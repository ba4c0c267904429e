import { domainToASCII } from "node:url";

const LOCAL = /^[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*$/;
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** A mail address that an applicant gave as its contact, alone or as `mailto:`; undefined: it is none that can be written to. */
export function mailAddressOf(contact: string): string | undefined {
  const text = contact.trim().replace(/^mailto:/i, "");
  const at = text.lastIndexOf("@");
  const local = text.slice(0, Math.max(0, at));
  const domain = domainToASCII(text.slice(at + 1)).toLowerCase();
  const labels = domain.split(".");
  const isName =
    domain.length <= 253 &&
    labels.length > 1 &&
    labels.every((label) => LABEL.test(label)) &&
    !/^\d+$/.test(labels.at(-1)!);
  return at > 0 && local.length <= 64 && LOCAL.test(local) && isName ? `${local}@${domain}` : undefined;
}

/** `c...@example.org`: enough for its owner to know it. */
export function maskedAddress(address: string): string {
  const at = address.lastIndexOf("@");
  return `${address.slice(0, 1)}...${address.slice(at)}`;
}
