import PostalMime, { type Email, type PostalMimeOptions } from "postal-mime";

/** What a decoder of postal-mime has gathered. */
type Pieces = { push(piece: Uint8Array | ArrayBuffer | string): void } & Iterable<Uint8Array>;

/** Of its MimeNode, which it does not export. */
type Part = { contentDecoder: { chunks: Pieces } | null; setupContentDecoder(encoding: string): void };

const part = Object.getPrototypeOf(Reflect.get(new PostalMime(), "root")) as Part;
const setupContentDecoder = part.setupContentDecoder;

/**
 * postal-mime makes of a part that is not encoded a Blob of two pieces a line, and Node reads a Blob piece by piece:
 * nine tenths of the time that a long text takes. Here the Blob is one piece, of the same octets.
 */
part.setupContentDecoder = function (encoding) {
  setupContentDecoder.call(this, encoding);
  if (this.contentDecoder) this.contentDecoder.chunks = onePiece();
};

function onePiece(): Pieces {
  const pieces: Uint8Array[] = [];
  return {
    push(piece) {
      if (typeof piece === "string") pieces.push(Buffer.from(piece));
      else pieces.push(piece instanceof Uint8Array ? piece : new Uint8Array(piece));
    },
    *[Symbol.iterator]() {
      yield Buffer.concat(pieces);
    },
  };
}

export function parseMail(bytes: Uint8Array, options: PostalMimeOptions): Promise<Email> {
  return PostalMime.parse(bytes, options);
}
