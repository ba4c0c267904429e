/** Names that mail uses and the Encoding Standard does not know. */
const ALIASES: Readonly<Record<string, string>> = {
  "ansi_x3.110-1983": "windows-1252",
  "cp-850": "windows-1252",
  cp850: "windows-1252",
  cp437: "windows-1252",
  cp936: "gb18030",
  cp932: "shift_jis",
  cp949: "euc-kr",
  cp950: "big5",
  "iso-2022-jp-ms": "iso-2022-jp",
  "iso-8859-8-e": "iso-8859-8",
  "utf-7": "windows-1252",
  "x-gbk": "gbk",
  "unknown-8bit": "",
  "x-unknown": "",
  unknown: "",
  "8bit": "",
  default: "",
  "us-ascii": "",
  ascii: "",
};

const utf8 = new TextDecoder("utf-8", { fatal: true });
const western = new TextDecoder("windows-1252");

/** The text of octets in a charset; where it is unknown or plainly wrong, UTF-8, else Windows-1252. Never throws. */
export function decodeText(bytes: Uint8Array, charset = ""): string {
  const name = charset
    .trim()
    .toLowerCase()
    .replace(/^["']|["']$/g, "");
  const label = (Object.hasOwn(ALIASES, name) ? ALIASES[name]! : name).replace(/^cp-?(125\d)$/, "windows-$1");
  const known = label === "" || label === "utf-8" || label === "utf8" ? undefined : decoderOf(label);
  return (known ? known.decode(bytes) : guess(bytes)).replaceAll("\0", "");
}

/** The octets of a header that names no charset: UTF-8, else the one that the message names for its text. */
export function decodeRaw(bytes: Uint8Array, charset: string): string {
  try {
    return utf8.decode(bytes).replaceAll("\0", "");
  } catch {
    return decodeText(bytes, charset);
  }
}

function guess(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    return looksLikeIso2022(bytes)
      ? (decoderOf("iso-2022-jp") ?? western).decode(bytes)
      : western.decode(bytes);
  }
}

function looksLikeIso2022(bytes: Uint8Array): boolean {
  const at = bytes.indexOf(0x1b);
  return at >= 0 && bytes[at + 1] === 0x24;
}

function decoderOf(label: string): InstanceType<typeof TextDecoder> | undefined {
  try {
    return new TextDecoder(label);
  } catch {
    return undefined;
  }
}
