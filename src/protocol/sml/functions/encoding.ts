import { createHash } from "node:crypto";
import { isIPv4, isIPv6 } from "node:net";
import { STR } from "../types.ts";
import { fail, type Failure } from "../values.ts";
import { text, type FunctionDefinition, type FunctionTable } from "./definition.ts";

const onInput = (run: (input: string) => string | Failure): FunctionDefinition => ({
  parameters: { input: { type: STR } },
  returns: STR,
  run: (args) =>
    text(args, "input").isWellFormed() ? run(text(args, "input")) : fail("this text is no Unicode"),
});

const hash = (algorithm: string) =>
  onInput((input) => createHash(algorithm).update(input, "utf8").digest("hex"));

export const ENCODING: FunctionTable = {
  Base64Encode: onInput((input) => Buffer.from(input, "utf8").toString("base64")),
  Base64Decode: onInput(decodeBase64),
  HashMd5: hash("md5"),
  HashSha1: hash("sha1"),
  HashSha256: hash("sha256"),
  HashSha512: hash("sha512"),
  IpNetwork: { parameters: { ip: { type: STR } }, returns: STR, run: (args) => network(text(args, "ip")) },
};

/** As Python's `b64decode`: other characters are skipped, an incomplete last group is an error. */
function decodeBase64(input: string): string | Failure {
  let data = "";
  let padding = 0;
  for (const char of input) {
    if (char === "=") {
      if (data.length % 4 < 2) continue;
      padding += 1;
      if ((data.length % 4) + padding < 4) continue;
      return decodeUtf8(data);
    }
    if (!/[A-Za-z0-9+/]/.test(char)) continue;
    padding = 0;
    data += char;
  }
  return data.length % 4 === 0 ? decodeUtf8(data) : fail("incorrect base64 padding");
}

function decodeUtf8(data: string): string | Failure {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.from(data, "base64"));
  } catch {
    return fail("the decoded bytes are no UTF-8");
  }
}

/** The /24 of an IPv4 address; an IPv6 address in full. */
function network(ip: string): string | Failure {
  if (isIPv4(ip)) return `${ip.slice(0, ip.lastIndexOf("."))}.0`;
  if (!isIPv6(ip) || ip.includes("%")) return fail("this is no IP address");
  const [head = "", tail] = withoutDots(ip).split("::");
  const [left, right] = [groups(head), groups(tail ?? "")];
  const zeros = tail === undefined ? [] : Array.from({ length: 8 - left.length - right.length }, () => "0");
  return [...left, ...zeros, ...right].map((group) => Number.parseInt(group, 16).toString(16)).join(":");
}

const groups = (part: string) => (part === "" ? [] : part.split(":"));

function withoutDots(ip: string): string {
  const match = /(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(ip);
  if (match === null) return ip;
  const [a, b, c, d] = match.slice(1).map(Number) as [number, number, number, number];
  return `${ip.slice(0, match.index)}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
}
