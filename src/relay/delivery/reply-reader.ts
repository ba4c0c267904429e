/** A whole reply: its code, and its lines as they were said. */
export type RawReply = { code: number; lines: string[] };

export interface ReplyReader {
  /** The replies that end in this piece of what the host says, or why it is no SMTP. */
  push(text: string): RawReply[] | { fault: string };
  /** Something was said that is not whole yet. */
  pending(): boolean;
}

/** More than any host says (RFC 5321 section 4.5.3.1.5: 512 octets a line). */
const MAX_LINE = 4_096;
const MAX_LINES = 200;
const MAX_CHARS = 65_536;

/**
 * Reads SMTP replies (RFC 5321 section 4.2.1) out of pieces of any size. Lines may end in LF alone. Where the lines of a reply
 * differ in their code the last one counts.
 */
export function createReplyReader(): ReplyReader {
  let buffered = "";
  let lines: string[] = [];
  let chars = 0;

  return {
    push(text) {
      buffered += text;
      const replies: RawReply[] = [];
      for (let end = buffered.indexOf("\n"); end >= 0; end = buffered.indexOf("\n")) {
        const line = buffered.slice(0, end).replace(/\r$/, "");
        buffered = buffered.slice(end + 1);
        const [, code, more] = /^([2-5]\d\d)(?:([ -])|$)/.exec(line) ?? [];
        if (code === undefined) return { fault: `what the host says is no SMTP: ${printable(line)}` };
        lines.push(line);
        chars += line.length;
        if (line.length > MAX_LINE || lines.length > MAX_LINES || chars > MAX_CHARS)
          return { fault: "the host's reply is too long" };
        if (more === "-") continue;
        replies.push({ code: Number(code), lines });
        lines = [];
        chars = 0;
      }
      return buffered.length > MAX_LINE ? { fault: "the host's reply is too long" } : replies;
    },
    pending: () => buffered !== "" || lines.length > 0,
  };
}

function printable(line: string): string {
  return JSON.stringify(line.slice(0, 80));
}
