import type { Ask } from "./labeler/ask.ts";
import { isLoopback } from "./labeler/identity.ts";
import { PdsError, type PdsClient, type Session } from "./labeler/pds.ts";
import { CommandError, EXIT, plain } from "./output.ts";

/** Logs in at a PDS; the password comes from the environment variable, the terminal or standard input. */
export async function logInWith(
  client: PdsClient,
  identifier: string,
  ask: Ask,
  variable: string,
): Promise<Session> {
  const password = await ask({
    text: `Password of ${identifier}`,
    variable,
    secret: true,
  });
  if (password === undefined)
    throw new CommandError(
      `The password is missing: give it in ${variable} or on standard input. An app password is enough.`,
      EXIT.usage,
    );
  try {
    return await client.logIn(identifier, password);
  } catch (error) {
    if (!(error instanceof PdsError)) throw error;
    throw new CommandError(
      error.error === "AuthFactorTokenRequired"
        ? "This account asks for a token by e-mail at each login: use an app password instead."
        : `${error.message}. Look at --identifier and the password.`,
    );
  }
}

/** The origin that `option` names. Plain HTTP is for loopback alone. */
export function pdsOrigin(text: string, option = "--pds"): string {
  const url = URL.parse(text);
  if (url?.protocol === "https:" || (url?.protocol === "http:" && isLoopback(text))) return url.origin;
  throw new CommandError(
    `${option} must be an https address such as https://pds.example: ${plain(text)}`,
    EXIT.usage,
  );
}
