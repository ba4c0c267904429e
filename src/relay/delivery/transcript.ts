/** The words of a conversation, bounded: commands (`C:`), replies (`S:`) and notes (`*`). Never a body. */
export interface Transcript {
  add(who: "C" | "S" | "*", text: string): void;
  /** What was said since the last call. */
  take(): string;
}

const MAX_CHARS = 8_192;
const MAX_LINE = 600;

export function createTranscript(): Transcript {
  let lines: string[] = [];
  let chars = 0;
  let cut = false;
  return {
    add(who, text) {
      for (const part of text.split(/\r?\n/)) {
        const line = `${who}: ${part.slice(0, MAX_LINE)}`;
        if (chars + line.length > MAX_CHARS) {
          if (!cut) lines.push("*: the rest is left out");
          cut = true;
          return;
        }
        chars += line.length + 1;
        lines.push(line);
      }
    },
    take() {
      const text = lines.join("\n");
      lines = [];
      chars = 0;
      cut = false;
      return text;
    },
  };
}
