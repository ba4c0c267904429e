import { domainToASCII } from "node:url";
import { literalAddress } from "../../protocol/dns/index.ts";
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

/**
 * An address of an envelope (RFC 5321 section 4.1.2, RFC 6531) at a domain that DNS can hold or at an address literal
 * (section 4.1.3), or undefined.
 */
export function parseAddress(text: string): Address | undefined {
  const at = text.lastIndexOf("@");
  if (at < 1) return undefined;
  const local = text.slice(0, at);
  const literal = literalAddress(text.slice(at + 1));
  const domain = literal
    ? `[${literal.includes(":") ? "IPv6:" : ""}${literal}]`
    : domainToASCII(text.slice(at + 1)).toLowerCase();
  if ((!literal && !isHostName(domain)) || Buffer.byteLength(local) > MAX_LOCAL) return undefined;
  const smtpUtf8 = /\P{ASCII}/u.test(local);
  if (smtpUtf8 ? !ATOMS.test(local) || HIDDEN.test(local) : !ATOMS.test(local) && !QUOTED.test(local)) {
    return undefined;
  }
  return { address: `${local}@${domain}`, domain, smtpUtf8 };
}
