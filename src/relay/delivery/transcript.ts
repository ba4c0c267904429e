/** The words of a conversation, bounded: commands (`C:`), replies (`S:`) and notes (`*`). Never a body. */
export interface Transcript {
  add(who: "C" | "S" | "*", text: string): void;
  /** What was said since the last call: how it began and, however long it was, how it ended. */
  take(): string;
}

const MAX_CHARS = 8_192;
/** Of them for the end, where the answer is. */
const END_CHARS = 2_048;
const MAX_LINE = 600;

export function createTranscript(): Transcript {
  let begin: string[] = [];
  let end: string[] = [];
  let chars = { begin: 0, end: 0 };
  let left = 0;

  function addLine(line: string): void {
    if (end.length === 0 && chars.begin + line.length < MAX_CHARS - END_CHARS) {
      begin.push(line);
      chars.begin += line.length + 1;
      return;
    }
    end.push(line);
    chars.end += line.length + 1;
    while (chars.end > END_CHARS) {
      chars.end -= end.shift()!.length + 1;
      left++;
    }
  }

  return {
    add(who, text) {
      for (const part of text.split(/\r?\n/)) addLine(`${who}: ${part.slice(0, MAX_LINE)}`);
    },
    take() {
      const gap = left > 0 ? [`*: ${left} lines are left out`] : [];
      const text = [...begin, ...gap, ...end].join("\n");
      begin = [];
      end = [];
      chars = { begin: 0, end: 0 };
      left = 0;
      return text;
    },
  };
}

/** Several conversations of one attempt, one after the other; of the middle is left out what is too much. */
export function joined(transcripts: readonly string[]): string {
  const text = transcripts.filter((one) => one !== "").join("\n");
  if (text.length <= 2 * MAX_CHARS) return text;
  const begin = text.slice(0, text.lastIndexOf("\n", MAX_CHARS));
  const end = text.slice(text.indexOf("\n", text.length - MAX_CHARS) + 1);
  return `${begin}\n*: some of it is left out\n${end}`;
}
