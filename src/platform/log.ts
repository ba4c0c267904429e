import { pino, type Logger } from "pino";

export type { Logger };

/** JSON lines on standard output. Secrets and addresses are left out by path, whoever forgets. */
export function createLog(level: string): Logger {
  return pino({
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths: ["secret", "password", "*.secret", "*.password", "authorization"], censor: "[removed]" },
  });
}

export const silentLog: Logger = pino({ level: "silent" });
