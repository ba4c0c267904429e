import { SpoolError } from "../../spool/index.ts";

/** An SMTP reply that is no acceptance. `reason` is the name of the outcome, with which `text` ends. */
export type Refusal = { code: number; enhanced: string; text: string; reason: string; waitMs?: number };

/** Has this reply its name already? */
export const NAMED = / \[[a-z-]+\]$/;

/** A refusal with its name: `Message refused: it contains a NUL octet [malformed]`. */
export function refusal(reason: string, code: number, enhanced: string, text: string): Refusal {
  return { code, enhanced, reason, text: `${text} [${reason}]` };
}

export const BAD_LOGIN = refusal("auth", 535, "5.7.8", "User name or secret is wrong");
export const NO_LOGIN = refusal("auth", 530, "5.7.0", "TLS and authentication come first");
export const REVOKED = refusal(
  "revoked",
  535,
  "5.7.8",
  "This credential has been revoked; make a new one in the portal",
);
/** In the middle of a connection, which it ends. */
export const REVOKED_NOW: Refusal = { ...REVOKED, code: 421, enhanced: "4.7.0" };
export const TOO_MANY_LOGINS = refusal(
  "auth",
  421,
  "4.7.0",
  "Too many failed log-ins, try again in some minutes",
);
export const TOO_SLOW = refusal("timeout", 421, "4.4.2", "The message took too long");
export const LOGIN_TOO_SLOW = refusal("timeout", 421, "4.4.2", "Too slow, try again later");
export const TOO_MANY_CONNECTIONS = refusal(
  "too-many-connections",
  421,
  "4.7.0",
  "Too many connections, try again soon",
);
export const TOO_MANY_FROM_ADDRESS = refusal(
  "too-many-connections",
  421,
  "4.7.0",
  "Too many connections from your address",
);
export const DISK_FULL = refusal("disk-full", 452, "4.3.1", "No room in the spool, try again later");
export const LOCAL_ERROR = refusal("internal", 451, "4.3.0", "Local error, try again later");
export const TRY_LATER = refusal(
  "internal",
  451,
  "4.3.0",
  "The message could not be stored, try again later",
);

/** The answer for what could not be written down: nothing was acknowledged. */
export function storageRefusal(error: unknown): Refusal {
  const full = error instanceof SpoolError ? error.full : (error as NodeJS.ErrnoException).code === "ENOSPC";
  return full ? DISK_FULL : TRY_LATER;
}

export function tooLarge(maxSize: number): Refusal {
  return refusal("too-large", 552, "5.3.4", `Message refused: it is larger than ${maxSize} octets`);
}
