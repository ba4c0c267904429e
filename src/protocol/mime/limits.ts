/** What is read of one message at most; the rest is left out. Larger than any honest report. */
export const LIMITS = {
  /** Octets of a message. */
  message: 64 * 1024 * 1024,
  /** Octets of one header block, and its fields. */
  header: 256 * 1024,
  fields: 1_000,
  /** Multiparts within multiparts. */
  depth: 12,
  parts: 500,
  /** Octets that decoding makes, all parts together. */
  decoded: 32 * 1024 * 1024,
  /** Characters of the text, and the octets of one part that become text. */
  text: 512 * 1024,
} as const;
