import { pino, type Logger } from "pino";

export type { Logger };

/** JSON lines on standard output, or on standard error where the output is an answer. Secrets and addresses are left out by path, whoever forgets. */
export function createLog(level: string, to: "stdout" | "stderr" = "stdout"): Logger {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths: ["secret", "password", "*.secret", "*.password", "authorization"], censor: "[removed]" },
  };
  return pino(options, pino.destination({ fd: to === "stdout" ? 1 : 2, sync: true }));
}

export const silentLog: Logger = pino({ level: "silent" });
