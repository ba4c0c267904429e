import { judgeCommand, type CommandContext } from "../submission/parameters.ts";
import { refusal, type Refusal } from "../submission/refusal.ts";

/**
 * Why a command line is refused before anything is made of it. EXPN and VRFY tell nobody who is here (RFC 5321 section 7.3);
 * ETRN, TURN and SEND are commands of other times.
 */
export function judgeInboundCommand(line: Uint8Array, context: CommandContext): Refusal | undefined {
  const verb = Buffer.from(line.subarray(0, 5)).toString("latin1").trimEnd().toUpperCase();
  if (verb === "EXPN") return refusal("not-offered", 502, "5.7.0", "EXPN is not offered here");
  return judgeCommand(line, context);
}
