import type { SMTPServer } from "smtp-server";
import type { Refusal } from "./refusal.ts";

type Connection = SMTPServer["connections"] extends Set<infer C> ? C : never;

/** A refusal with code 421 ends the connection. */
export type CommandJudge = (line: Buffer) => Refusal | undefined;

/**
 * Has each command line of a connection judged before smtp-server makes anything of it, and its own refusals bear the
 * name of an outcome as ours do. Continuation lines of AUTH are no commands. To be called before the greeting.
 */
export function watchCommands(connection: Connection, judge: CommandJudge): void {
  const onCommand = connection._onCommand.bind(connection);
  const send = connection.send.bind(connection);

  connection.send = (code, data, context) => {
    if (typeof data !== "string") return send(code, data, context);
    const text =
      code >= 500 && !NAMED.test(data) ? `${data} [${AUTH.has(code) ? "auth" : "malformed"}]` : data;
    // Where a reply brings its own enhanced code the library adds none.
    send(code, text, ENHANCED.test(text) ? false : context);
  };

  connection._onCommand = (line, done) => {
    const judged = connection._nextHandler || connection._upgrading ? undefined : judge(line);
    if (!judged) return onCommand(line, done);
    connection.send(judged.code, `${judged.enhanced} ${judged.text}`);
    if (judged.code !== 421) setImmediate(() => done?.());
  };
}

const NAMED = / \[[a-z-]+\]$/;
const ENHANCED = /^[245]\.\d{1,3}\.\d{1,3} /;
/** Replies that ask for a log-in, or to TLS before it. */
const AUTH = new Set([530, 535, 538]);
