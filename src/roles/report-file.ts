/** What a file begins with that is packed, and its type: zip, gzip, zlib. */
const PACKED: readonly (readonly [readonly number[], string])[] = [
  [[0x50, 0x4b, 3, 4], "application/zip"],
  [[0x1f, 0x8b], "application/gzip"],
  [[0x78, 0x01], "application/octet-stream"],
  [[0x78, 0x9c], "application/octet-stream"],
  [[0x78, 0xda], "application/octet-stream"],
];
/** A mark of the byte order, the zero of UTF-16, space, and what XML or JSON begins with. */
const PLAIN = /^(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)?[\s\0]*([<{])/;

/** A file with a report as the mail that would have brought it; a mail stays as it is. Pure. */
export function asMail(file: Uint8Array): Uint8Array {
  const octets = Buffer.from(file.buffer, file.byteOffset, file.length);
  const type = typeOf(octets);
  if (type === undefined) return file;
  const body = octets.toString("base64").replace(/.{76}/g, "$&\r\n");
  const head = ["MIME-Version: 1.0", `Content-Type: ${type}`, "Content-Transfer-Encoding: base64"];
  return Buffer.from(`${head.join("\r\n")}\r\n\r\n${body}\r\n`, "latin1");
}

function typeOf(octets: Buffer): string | undefined {
  const packed = PACKED.find(([start]) => start.every((octet, i) => octets[i] === octet));
  if (packed) return packed[1];
  const first = PLAIN.exec(octets.subarray(0, 256).toString("latin1"))?.[1];
  if (first === undefined) return undefined;
  return first === "{" ? "application/tlsrpt+json" : "text/xml";
}
