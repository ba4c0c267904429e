import { MOST_TOKENS, TOKEN_DAYS, TOKEN_SCOPES, type NewToken, type TokenView } from "../account/index.ts";
import { oneLine } from "../lib/one-line.ts";
import type { Core } from "./core/index.ts";
import { presentOf, wordsFor, type DeskRefusal } from "./member-desk-parts.ts";

export type TokenDesk = ReturnType<typeof createTokenDesk>;

const LONGEST_NAME = 64;

/** The tokens of a member's programs, for its pages and the command line. No token changes them. `now`: the real time. */
export function createTokenDesk({ core, now }: { core: Core; now: () => number }) {
  const { tokens } = core;
  return {
    /** Those in use first. What they say is nowhere. */
    list(did: string): TokenView[] | DeskRefusal {
      if (core.members.get(did) === undefined) return wordsFor({ error: "not-a-member", did });
      return tokens.of(did, now());
    },

    /** Makes one. What it says is here once: only its hash is kept. */
    make(did: string, wish: NewToken, by: string): { secret: string; token: TokenView } | DeskRefusal {
      const member = presentOf({ core }, did);
      if ("error" in member) return member;
      const named = { ...wish, name: oneLine(wish.name, LONGEST_NAME + 1) };
      const fault = faultOf(named);
      if (fault !== null) return { error: "InvalidRequest", message: fault };
      const made = tokens.make(did, named, by, now());
      return (
        made ?? {
          error: "TooManyTokens",
          message: `${MOST_TOKENS} tokens are in use, which is the most: revoke one first.`,
        }
      );
    },

    /** From the next call on. */
    revoke: (did: string, id: string, by: string): { id: string } | DeskRefusal =>
      tokens.revoke(did, id, by, now())
        ? { id }
        : { error: "NotFound", message: "This token is not in use: it ended, was revoked, or never was." },
  };
}

function faultOf({ name, scopes, days }: NewToken): string | null {
  if (name === "" || name.length > LONGEST_NAME)
    return `Give it a name of at most ${LONGEST_NAME} characters.`;
  if (scopes.length === 0) return `Choose at least one of: ${TOKEN_SCOPES.join(", ")}.`;
  if (!Number.isInteger(days) || days < 1 || days > TOKEN_DAYS.most)
    return `It lives for 1 to ${TOKEN_DAYS.most} days.`;
  return null;
}
