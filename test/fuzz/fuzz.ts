import { between, pick, seededRandom, type Random } from "../../src/devnet/random.ts";

/** Another run: FUZZ_SEED=…; a longer one: FUZZ_SECONDS=… for each fuzzer. */
export const SEED = process.env["FUZZ_SEED"] ?? String(Date.now());
const SECONDS = process.env["FUZZ_SECONDS"];

/**
 * Calls `one` with a number that makes its case, until the time is up and `enough` says so: a slow machine does not look
 * at less than it has to. Returns how many cases there were.
 */
export async function fuzz(
  name: string,
  seconds: number,
  one: (random: Random, number: number) => Promise<void>,
  enough = () => true,
): Promise<number> {
  const until = performance.now() + Number(SECONDS ?? seconds) * 1000;
  let number = 0;
  for (; performance.now() < until || !enough(); number++) {
    try {
      await one(seededRandom(`${name} ${SEED} ${number}`), number);
    } catch (error) {
      process.stderr.write(`${name}: case ${number}; again with FUZZ_SEED=${SEED}\n`);
      throw error;
    }
  }
  process.stdout.write(`${name}: ${number} cases, seed ${SEED}\n`);
  return number;
}

/** What means something to a parser of mail, or nearly does. Octets as latin1. */
export const TOKENS = [
  ...'<>@()"\\,;:[]=?.- \t\r\n\0\x7f\xff',
  "\r\n",
  "\r\n ",
  "\r\n\r\n",
  "\r\n.\r\n",
  "\n.\n",
  "\r\n..",
  "From: ",
  "From : ",
  "\r\nFrom: eve@evil.test",
  "\r\nFROM:",
  "\r\nSender: eve@evil.test",
  "\r\nBcc: x@y.test",
  "\r\nContent-Type: multipart/mixed; boundary=b",
  "\r\n--b\r\n",
  "\r\nContent-Transfer-Encoding: base64",
  "=?utf-8?q?eve=40evil.test?=",
  "=?utf-8?b?PGV2ZUBldmlsLnRlc3Q+?=",
  "<eve@evil.test>",
  "eve@evil.test",
  ", a@member.test",
  "group: a@member.test;",
  "<@evil.test:a@member.test>",
  '"<eve@evil.test>"',
  "(<eve@evil.test>)",
  "&#60;",
  "<a href='https://evil.test'>",
  "<!--",
  "http://",
  "www.a.b",
  // UTF-8: ü, wide @ and <, right-to-left override, zero width space, ideographic full stop.
  "\xc3\xbc",
  "\xef\xbc\xa0",
  "\xef\xbc\x9c",
  "\xe2\x80\xae",
  "\xe2\x80\x8b",
  "\xe3\x80\x82",
];

/** One to eight changes of a text, at most `most` octets in the end. */
export function mutate(random: Random, text: string, others: readonly string[], most = 200_000): string {
  let out = text;
  for (let left = between(random, 1, 8); left > 0; left--) {
    const at = between(random, 0, out.length);
    const end = Math.min(out.length, at + between(random, 0, 40));
    const part = out.slice(at, end);
    const token = pick(random, TOKENS);
    out = pick(random, [
      () => out.slice(0, at) + token + out.slice(at),
      () => out.slice(0, at) + token + out.slice(end),
      () => out.slice(0, at) + out.slice(end),
      () => out.slice(0, end) + part + out.slice(end),
      () => out.slice(0, at) + String.fromCharCode(between(random, 0, 255)) + out.slice(at + 1),
      () => out.slice(0, at) + pick(random, others).slice(between(random, 0, 100)),
      () => out.slice(0, at) + token.repeat(between(random, 2, 2_000)) + out.slice(at),
    ])();
  }
  return out.slice(0, most);
}

/** Octets in pieces of random length; now and then of one octet each. */
export function pieces(random: Random, octets: Buffer): Buffer[] {
  const longest = pick(random, [1, 7, 100, 5_000, 70_000]);
  const parts: Buffer[] = [];
  for (let at = 0; at < octets.length;) {
    const length =
      longest === 1 && octets.length < 2_000 ? 1 : between(random, 1, Math.max(longest, octets.length / 500));
    parts.push(octets.subarray(at, at + length));
    at += length;
  }
  return parts;
}
