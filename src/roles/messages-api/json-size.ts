const [QUOTE, BACKSLASH, COMMA, BRACKET, BRACE] = [0x22, 0x5c, 0x2c, 0x5b, 0x7b];

/**
 * Whether a JSON text has more than `most` values, nested or side by side. Reading millions of them holds up everything
 * else for seconds, whatever becomes of them; this looks only, and skips what is in strings. Pure.
 */
export function hasMoreValues(json: Uint8Array, most: number): boolean {
  let values = 1;
  let inString = false;
  for (let at = 0; at < json.length && values <= most; at++) {
    const octet = json[at];
    if (octet === QUOTE) inString = !inString;
    else if (inString) at += octet === BACKSLASH ? 1 : 0;
    else if (octet === COMMA || octet === BRACKET || octet === BRACE) values++;
  }
  return values > most;
}
