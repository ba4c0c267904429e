import { domainToASCII } from "node:url";
import addressparser from "nodemailer/lib/addressparser";

export type Mailbox = { name: string; address: string };

const MAX_ADDRESS = 320;
const ADDRESS = /^[^\s<>()[\]\\,;:"@]+@[^\s<>()[\]\\,;:"@]+$/;

/** The mailboxes of an address field, groups opened; undefined when one of them is no address. */
export function parseMailboxes(value: string): Mailbox[] | undefined {
  const found = addressparser(value, { flatten: true }).map(({ name, address }) => ({
    name,
    address: asciiDomain(address),
  }));
  return found.every(({ address }) => isAddress(address)) ? found : undefined;
}

/** `a@b.example` or `Name <a@b.example>`: exactly one mailbox, or undefined. */
export function parseMailbox(value: string): Mailbox | undefined {
  const found = parseMailboxes(value);
  return found?.length === 1 ? found[0] : undefined;
}

function isAddress(address: string): boolean {
  return address.length <= MAX_ADDRESS && ADDRESS.test(address);
}

/** A domain in other letters goes as what DNS has of it (RFC 5891). */
function asciiDomain(address: string): string {
  const at = address.lastIndexOf("@");
  const domain = address.slice(at + 1);
  return at < 0 || /^[\x21-\x7e]*$/.test(domain) ? address : address.slice(0, at + 1) + domainToASCII(domain);
}
