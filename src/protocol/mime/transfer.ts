/** A reverse table of base64 with both alphabets; 64 and above: no digit. */
const DIGITS = new Uint8Array(256).fill(255);
for (let i = 0; i < 64; i++)
  DIGITS["ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".charCodeAt(i)] = i;
DIGITS[0x2d] = 62;
DIGITS[0x5f] = 63;

/** Octets without their transfer encoding (RFC 2045 section 6), at most `most` of them; what is no digit is passed over. */
export function decodeTransfer(bytes: Uint8Array, encoding: string, most: number): Uint8Array {
  const name = encoding.trim().toLowerCase();
  if (name.startsWith("base64")) return decodeBase64(bytes, most);
  if (name.startsWith("quoted-printable")) return decodeQuotedPrintable(bytes, most);
  return bytes;
}

/** Reads on after padding, for some senders encode a part in pieces; ends where the digits end. */
export function decodeBase64(bytes: Uint8Array, most: number): Uint8Array {
  const out = new Uint8Array(Math.min(most, Math.ceil(bytes.length / 4) * 3));
  let size = 0;
  let bits = 0;
  let held = 0;
  for (let i = 0; i < bytes.length && size < out.length; i++) {
    const byte = bytes[i]!;
    if (byte === 0x3d) {
      bits = 0;
      held = 0;
      continue;
    }
    const digit = DIGITS[byte]!;
    if (digit > 63) continue;
    held = ((held << 6) | digit) & 0xffffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out[size++] = (held >> bits) & 0xff;
    }
  }
  return out.subarray(0, size);
}

export function decodeQuotedPrintable(
  bytes: Uint8Array,
  most: number,
  underscoreIsSpace = false,
): Uint8Array {
  const out = new Uint8Array(Math.min(most, bytes.length));
  let size = 0;
  for (let i = 0; i < bytes.length && size < out.length; i++) {
    const byte = bytes[i]!;
    if (byte !== 0x3d) {
      out[size++] = underscoreIsSpace && byte === 0x5f ? 0x20 : byte;
      continue;
    }
    const high = hex(bytes[i + 1]);
    const low = hex(bytes[i + 2]);
    if (high >= 0 && low >= 0) {
      out[size++] = high * 16 + low;
      i += 2;
      continue;
    }
    // A soft line break, with the white space that gateways add.
    let end = i + 1;
    while (end < bytes.length && end < i + 80 && (bytes[end] === 0x20 || bytes[end] === 0x09)) end++;
    if (bytes[end] === 0x0d && bytes[end + 1] === 0x0a) i = end + 1;
    else if (bytes[end] === 0x0a || bytes[end] === 0x0d) i = end;
    else out[size++] = byte;
  }
  return out.subarray(0, size);
}

function hex(byte: number | undefined): number {
  if (byte === undefined) return -1;
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}
