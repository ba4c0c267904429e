import type { Command } from "commander";

/** Lets each command below `command` point to its own help when it is called wrongly. */
export function pointToOwnHelp(command: Command, above = ""): void {
  const name = `${above}${command.name()}`;
  command.showHelpAfterError(`(${name} --help shows how)`);
  for (const one of command.commands) pointToOwnHelp(one, `${name} `);
}
