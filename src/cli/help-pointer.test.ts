import { Command } from "commander";
import { expect, test } from "vitest";
import { pointToOwnHelp } from "./help-pointer.ts";

function calledWith(args: string[]): string {
  const said: string[] = [];
  const program = new Command("atmos");
  const group = program.command("case");
  const show = group.command("show").argument("<id>").requiredOption("--by <name>");
  for (const one of [program, group, show]) {
    one.configureOutput({ writeErr: (text) => void said.push(text) });
    one.exitOverride((error) => {
      throw error;
    });
  }
  pointToOwnHelp(program);
  expect(() => program.parse(args, { from: "user" })).toThrow();
  return said.join("");
}

test.each([
  ["an unknown command", ["frob"], "(atmos --help shows how)"],
  ["an unknown command of a group", ["case", "frob"], "(atmos case --help shows how)"],
  ["a missing argument", ["case", "show"], "(atmos case show --help shows how)"],
  ["an unknown option", ["case", "show", "7", "--frob"], "(atmos case show --help shows how)"],
  ["a missing option", ["case", "show", "7"], "(atmos case show --help shows how)"],
])("%s points to the help of what was called", (_, args, pointer) => {
  expect(calledWith(args)).toContain(pointer);
});
