import { isUtf8 } from "node:buffer";
import { refusal, tooLarge, type Refusal } from "./refusal.ts";

/** What is taken with MAIL and RCPT (RFC 1870, 6152, 6531, 3461, 4954, 8689); another word is refused (RFC 5321 4.1.1.11). */
const KNOWN: Record<string, readonly string[]> = {
  MAIL: ["SIZE", "BODY", "SMTPUTF8", "RET", "ENVID", "AUTH", "REQUIRETLS"],
  RCPT: ["NOTIFY", "ORCPT"],
};
const MAX_ENVID = 100;
const MAX_ORCPT = 500;
const XTEXT = /^(?:[!-*,-<>-~]|\+[0-9A-F]{2})*$/;

export type CommandContext = {
  maxSize: number;
  /** The transaction has begun with SMTPUTF8. */
  smtpUtf8: boolean;
};

/** Why a command line is refused before anything is made of it; undefined: it is not. */
export function judgeCommand(line: Uint8Array, { maxSize, smtpUtf8 }: CommandContext): Refusal | undefined {
  if (!isUtf8(line)) return refusal("malformed", 500, "5.5.2", "The line is neither ASCII nor UTF-8");
  const text = Buffer.from(line.buffer, line.byteOffset, line.length).toString("utf8");
  if (/\p{Cc}/u.test(text.replaceAll("\t", " "))) {
    return refusal("malformed", 500, "5.5.2", "The line has control characters; lines end with CRLF");
  }
  const [, verb = "", rest = ""] = /^(MAIL|RCPT)\s+(?:FROM|TO)\s*:\s*(.*)$/i.exec(text) ?? [];
  const [address = "", ...words] = rest.trim().split(/\s+/);
  const parameters = words.map(parameterOf);
  const wanted = verb.toUpperCase() === "MAIL" ? parameters.some((p) => p.name === "SMTPUTF8") : smtpUtf8;
  if (/\P{ASCII}/u.test(text) && !wanted) {
    return refusal("malformed", 553, "5.6.7", "An address in UTF-8 needs MAIL FROM with SMTPUTF8 (RFC 6531)");
  }
  if (!address) return undefined;
  for (const { name, value } of parameters) {
    if (!KNOWN[verb.toUpperCase()]?.includes(name)) {
      return refusal("malformed", 555, "5.5.4", `The parameter ${name.slice(0, 20)} is not known here`);
    }
    const fault = FAULTS[name]?.(value);
    if (fault) return refusal("malformed", 501, "5.5.4", fault);
    if (name === "SIZE" && Number(value) > maxSize) return tooLarge(maxSize);
  }
  return undefined;
}

function parameterOf(word: string): { name: string; value: string } {
  const [, name = word, value = ""] = /^([^=]+)=(.*)$/.exec(word) ?? [];
  return { name: name.toUpperCase(), value };
}

const FAULTS: Record<string, (value: string) => string | undefined> = {
  REQUIRETLS: (value) => (value === "" ? undefined : "REQUIRETLS has no value (RFC 8689)"),
  ENVID: (value) =>
    value.length > MAX_ENVID || !isPrintableXtext(value)
      ? "ENVID is xtext of at most 100 characters (RFC 3461)"
      : undefined,
  ORCPT(value) {
    const [, type, address = ""] = /^([A-Za-z0-9-]{1,40});(.+)$/.exec(value) ?? [];
    const sound = type?.toLowerCase() === "utf-8" ? /^[^\s=]+$/.test(address) : isPrintableXtext(address);
    return type && sound && value.length <= MAX_ORCPT
      ? undefined
      : "ORCPT is an address type, a semicolon and xtext (RFC 3461)";
  },
};

function isPrintableXtext(value: string): boolean {
  if (!XTEXT.test(value)) return false;
  const encoded = [...value.matchAll(/\+([0-9A-F]{2})/g)].map((match) => Number.parseInt(match[1]!, 16));
  return encoded.every((code) => code >= 32 && code < 127);
}
