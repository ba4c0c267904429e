import { domainToASCII } from "node:url";
import { isHostName } from "./mailbox.ts";

export type Address = {
  /** The local part as it was given, the domain in A-labels and lower case. */
  address: string;
  domain: string;
  /** Its local part is not ASCII: only hosts with SMTPUTF8 take it. */
  smtpUtf8: boolean;
};

const MAX_LOCAL = 64;
const ATOMS = /^[\w!#$%&'*+/=?^`{|}~\u{a0}-\u{10ffff}-]+(?:\.[\w!#$%&'*+/=?^`{|}~\u{a0}-\u{10ffff}-]+)*$/u;
const QUOTED = /^"(?:[ !#-[\]-~]|\\[ -~])*"$/;
/** Seen by nobody, or read by one program as what another does not see. */
const HIDDEN = /[\p{C}\p{Z}]/u;

/** An address of an envelope (RFC 5321 section 4.1.2, RFC 6531) at a domain that DNS can hold, or undefined. */
export function parseAddress(text: string): Address | undefined {
  const at = text.lastIndexOf("@");
  if (at < 1) return undefined;
  const local = text.slice(0, at);
  const domain = domainToASCII(text.slice(at + 1)).toLowerCase();
  if (!isHostName(domain) || Buffer.byteLength(local) > MAX_LOCAL) return undefined;
  const smtpUtf8 = /\P{ASCII}/u.test(local);
  if (smtpUtf8 ? !ATOMS.test(local) || HIDDEN.test(local) : !ATOMS.test(local) && !QUOTED.test(local)) {
    return undefined;
  }
  return { address: `${local}@${domain}`, domain, smtpUtf8 };
}
