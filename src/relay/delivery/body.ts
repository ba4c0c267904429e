const CR = 13;
const LF = 10;
const DOT = 46;
const CRLF = Buffer.from("\r\n");

/**
 * The content as it goes between DATA and the final dot (RFC 5321 section 4.5.2): a dot that begins a line is doubled, and
 * the last line ends. Lines are as they were signed; a dot after a bare LF is doubled too, since some hosts end a line there.
 */
export async function* stuffed(content: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let before = LF;
  for await (const chunk of ended(content)) {
    yield doubled(chunk, before);
    before = chunk.at(-1)!;
  }
}

/** The content as it goes behind BDAT (RFC 3030 section 2): nothing is doubled, and the last line ends. */
export async function gathered(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of ended(content)) pieces.push(piece);
  return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
}

/**
 * What a host could do with content that it reads as commands, because it refused BDAT and did not take the octets in (there
 * are such: RFC 3030 section 2 asks for it): a line with one of these would begin a message that nobody has signed. Also where
 * a host ends lines elsewhere: at a bare CR or LF, or at the length of a command (RFC 5321 section 4.5.3.1.4).
 */
const AS_COMMANDS = /(?:^|\n)(?:[^\S\r\n]*(?:BDAT|BURL|DATA)|[^\r\n]{511})|\r(?!\n)|(?<!\r)\n|\0/i;

/** May content leave before it is known that the host takes it in? */
export function isHarmless(content: Buffer): boolean {
  return !AS_COMMANDS.test(content.toString("latin1"));
}

async function* ended(content: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let before = LF;
  let last = 0;
  for await (const piece of content) {
    const chunk = Buffer.from(piece.buffer, piece.byteOffset, piece.length);
    if (chunk.length === 0) continue;
    yield chunk;
    last = chunk.length > 1 ? chunk.at(-2)! : before;
    before = chunk.at(-1)!;
  }
  if (before === CR) yield CRLF.subarray(1);
  else if (before !== LF || last !== CR) yield CRLF;
}

function doubled(chunk: Buffer, before: number): Buffer {
  const parts: Buffer[] = [];
  let from = 0;
  const isDot = before === LF && chunk[0] === DOT;
  for (let at = isDot ? 0 : next(chunk, 0); at >= 0; at = next(chunk, at)) {
    parts.push(chunk.subarray(from, at + 1));
    from = at;
  }
  return parts.length === 0 ? chunk : Buffer.concat([...parts, chunk.subarray(from)]);
}

/** Where the next dot behind `from` stands that begins a line. */
function next(chunk: Buffer, from: number): number {
  for (let at = chunk.indexOf(LF, from); at >= 0; at = chunk.indexOf(LF, at + 1)) {
    if (chunk[at + 1] === DOT) return at + 1;
  }
  return -1;
}
