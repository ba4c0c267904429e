import { Parser } from "htmlparser2";
import { setImmediate } from "node:timers/promises";

/** An element is closed: its path from the root such as `record/row/count`, and its own text, trimmed. */
export type OnElement = (path: string, text: string) => void;
/** An element begins; without namespace prefix. */
export type OnOpen = (path: string) => void;

const DEEPEST = 12;
/** Elements around the wanted one: a reporter puts its report into an XML schema. */
const MOST_WRAPPERS = 2;
const LONGEST_TEXT = 4_000;
const PIECE = 128 * 1024;

/**
 * Walks XML as a stream. Nothing of a document type is read: entities beyond the five of XML stay as they are written, so
 * there is nothing to expand. Tolerates what is not well formed. Gives the local name and namespace of the root, or why it
 * was not read.
 */
export async function walkXml(
  xml: Uint8Array,
  on: { open: OnOpen; close: OnElement; wanted: (root: string) => boolean },
): Promise<{ root: string; namespace: string; ended: boolean } | { problem: string }> {
  const path: string[] = [];
  const texts: string[] = [];
  let root: { name: string; namespace: string } | undefined;
  const state = { wrappers: 0, ended: false, problem: "" };
  const parser = new Parser(
    {
      onopentag(name, attributes) {
        if (state.problem || state.ended) return;
        const local = localOf(name);
        if (!root) {
          if (on.wanted(local)) root = { name: local, namespace: namespaceOf(name, attributes) };
          else if (++state.wrappers > MOST_WRAPPERS) state.problem = `its root is <${local.slice(0, 40)}>`;
          return;
        }
        path.push(local);
        texts.push("");
        if (path.length > DEEPEST) state.problem = `more than ${DEEPEST} elements are nested`;
        else on.open(path.join("/"));
      },
      ontext(text) {
        const at = texts.length - 1;
        if (at >= 0 && texts[at]!.length < LONGEST_TEXT) texts[at] += text.slice(0, LONGEST_TEXT);
      },
      onclosetag(_name, implied) {
        if (!root || state.problem || state.ended) return;
        if (path.length === 0) {
          state.ended = !implied;
          return;
        }
        const at = path.join("/");
        path.pop();
        on.close(at, texts.pop()!.trim().slice(0, LONGEST_TEXT));
      },
    },
    { xmlMode: true },
  );
  const decoder = new TextDecoder(encodingOf(xml));
  for (let at = 0; at < xml.length && !state.ended && !state.problem; at += PIECE) {
    if (at > 0) await setImmediate();
    parser.write(decoder.decode(xml.subarray(at, at + PIECE), { stream: at + PIECE < xml.length }));
  }
  if (!state.ended && !state.problem) parser.end();
  if (state.problem) return { problem: state.problem };
  if (!root) return { problem: "it has no such element" };
  return { root: root.name, namespace: root.namespace, ended: state.ended };
}

const localOf = (name: string) => name.slice(name.indexOf(":") + 1).toLowerCase();

function namespaceOf(name: string, attributes: Record<string, string>): string {
  const colon = name.indexOf(":");
  const attribute = colon < 0 ? "xmlns" : `xmlns:${name.slice(0, colon)}`;
  return (attributes[attribute] ?? "").trim().slice(0, 200);
}

/** Of a byte order mark, of UTF-16 without one, or as the XML declaration says; UTF-8 else. */
function encodingOf(xml: Uint8Array): string {
  const [a, b] = xml;
  if ((a === 0xff && b === 0xfe) || (a === 0x3c && b === 0)) return "utf-16le";
  if ((a === 0xfe && b === 0xff) || (a === 0 && b === 0x3c)) return "utf-16be";
  const front = Buffer.from(xml.subarray(0, 200)).toString("latin1");
  const said =
    /^[^<]*<\?xml[^>]*?encoding\s*=\s*["']([\w.:-]{1,40})["']/i.exec(front)?.[1]?.toLowerCase() ?? "utf-8";
  try {
    // A declaration that can be read as octets is no UTF-16.
    return said.startsWith("utf-16") ? "utf-8" : new TextDecoder(said).encoding;
  } catch {
    return "utf-8";
  }
}
