const ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";

/** The DID of member `n`; each has another. */
export function didOf(n: number): string {
  const letters = Array.from({ length: 24 }, (_, i) => ALPHABET[Math.floor(n / 32 ** (i % 6)) % 32]);
  return `did:plc:${letters.join("")}`;
}
