import { spawn } from "node:child_process";

/** Programs that read a zone as the servers of their kind do, and say whether they would take it. */
export type Checker = "named-checkzone" | "kzonecheck" | "rbldnsd";

/** Where the new files are. */
export type ZoneFiles = { zone: string; rfc1035: string; rbldnsd: string };

/** Says what it has against a new zone; undefined when nothing. Never rejects. */
export type ZoneCheck = (files: ZoneFiles) => Promise<string | undefined>;

const LONGEST_MS = 60_000;
const LONGEST_WORDS = 500;

/** The check by one of these programs. That it is not installed is a fault. */
export const checkWith =
  (checker: Checker): ZoneCheck =>
  (files) =>
    run(checker, files);

function run(checker: Checker, files: ZoneFiles): Promise<string | undefined> {
  return new Promise((resolve) => {
    const dumps = checker === "rbldnsd";
    const child = spawn(checker, argumentsOf(checker, files), {
      stdio: ["ignore", dumps ? "ignore" : "pipe", "pipe"],
      timeout: LONGEST_MS,
      killSignal: "SIGKILL",
    });
    let said = "";
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding("utf8").on("data", (text: string) => {
        if (said.length < LONGEST_WORDS) said += text;
      });
    child.on("error", (error: NodeJS.ErrnoException) =>
      resolve(
        error.code === "ENOENT"
          ? `${checker} is not installed: install it, or take it out of ATMOS_ZONE_CHECKERS`
          : `${checker} could not be run: ${error.message}`,
      ),
    );
    child.on("close", (code, signal) => {
      const words = said.replace(/\s+/g, " ").trim().slice(0, LONGEST_WORDS);
      if (signal !== null) return resolve(`${checker}: no answer within a minute`);
      // rbldnsd leaves out the lines that it cannot read, says so, and is content.
      const isContent = code === 0 && (!dumps || words === "");
      resolve(isContent ? undefined : `${checker}: ${words || `exit code ${code}`}`);
    });
  });
}

function argumentsOf(checker: Checker, { zone, rfc1035, rbldnsd }: ZoneFiles): string[] {
  switch (checker) {
    case "named-checkzone":
      return ["-q", "-i", "none", "-k", "fail", zone, rfc1035];
    case "kzonecheck":
      return ["-o", `${zone}.`, rfc1035];
    case "rbldnsd":
      return ["-d", `${zone}:combined:${rbldnsd}`];
  }
}
