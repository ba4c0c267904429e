import type { Refusal } from "./refusal.ts";
import type { Connection } from "./replies.ts";

/** A refusal with code 421 ends the connection. */
export type CommandJudge = (line: Buffer) => Refusal | undefined;

/**
 * Has each command line of a connection judged before smtp-server makes anything of it. Continuation lines of AUTH are no
 * commands. To be called before the greeting.
 */
export function watchCommands(connection: Connection, judge: CommandJudge): void {
  const onCommand = connection._onCommand.bind(connection);
  connection._onCommand = (line, done) => {
    const judged = connection._nextHandler || connection._upgrading ? undefined : judge(line);
    if (!judged) return onCommand(line, done);
    connection.send(judged.code, `${judged.enhanced} ${judged.text}`);
    if (judged.code !== 421) setImmediate(() => done?.());
  };
}
