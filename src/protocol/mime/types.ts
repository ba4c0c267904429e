/** One header field: name in lower case, value unfolded and with its encoded words (RFC 2047) read. */
export type Header = { name: string; value: string };

/** A leaf of a message, or a message within it that stays whole. */
export type MailPart = {
  /** Media type in lower case without parameters; `text/plain` when none can be read. */
  type: string;
  filename: string;
  /** Without its transfer encoding. */
  content: Uint8Array;
};

/** A message as far as it can be read: what is broken is left out, never an exception. */
export type Mail = {
  headers: readonly Header[];
  /** The text that a person would read: plain, else from HTML; empty when there is none. */
  text: string;
  /** In the order of the message; texts among them. */
  parts: readonly MailPart[];
};
