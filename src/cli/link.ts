import { isValidDid } from "@atproto/syntax";
import { parseConfig, readEnvironment } from "../platform/config/index.ts";
import { sessionKeyOf } from "../roles/index.ts";
import { accessLink, LINK_LIFETIME_MS } from "../web/index.ts";
import { who, type Decided } from "./member.ts";
import { CommandError, EXIT, outputFor } from "./output.ts";

/** As in what the committee decides. */
const LONGEST_NAME = 100;

/** `atmos link`: an address that opens one session, for whoever may read the environment file. */
export async function link(
  did: string | undefined,
  options: Decided & { committee?: boolean },
): Promise<number> {
  const out = outputFor(options);
  if ((did === undefined) !== (options.committee === true)) {
    throw new CommandError("Name the member's DID, or --committee.", EXIT.usage);
  }
  if (did !== undefined && !isValidDid(did))
    throw new CommandError(`${did} is no DID; atmos member list names them.`, EXIT.usage);
  const { by } = who(options);
  if (by.trim() === "" || by.length > LONGEST_NAME)
    throw new CommandError(`--by: 1 to ${LONGEST_NAME} characters say who decides.`, EXIT.usage);
  const { config, secrets } = parseConfig(readEnvironment(options.env));
  const key = sessionKeyOf(secrets);
  if (!key)
    throw new CommandError(
      "This needs ATMOS_CORE_SECRET: name the environment file of the core role with --env FILE.",
    );
  const identity =
    did === undefined ? ({ role: "committee", by: by.trim() } as const) : ({ role: "member", did } as const);
  const expiresAt = Date.now() + LINK_LIFETIME_MS;
  const url = accessLink(config.PUBLIC_URL, key, identity, expiresAt);
  out.say(url);
  out.result({ url, expiresAt: new Date(expiresAt).toISOString() });
  return EXIT.ok;
}
