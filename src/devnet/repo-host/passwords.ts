import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { z } from "zod";
import { jwsPart } from "./oauth/jws.ts";
import { createSeen } from "./oauth/seen.ts";

/** `com.atproto.appPass` opens what an app password opens; `com.atproto.refresh` makes new tokens only. */
type Scope = "com.atproto.appPass" | "com.atproto.refresh";

export type Sessions = {
  /** `accessJwt` and `refreshJwt` of a session that begins. */
  open(did: string): { accessJwt: string; refreshJwt: string };
  /** Whose token this is; undefined when it is none, has ended, or is of another scope. */
  did(token: string, scope: Scope): string | undefined;
  /** As `did` for a refresh token, which is good once. */
  spend(token: string): string | undefined;
};

const ACCESS_S = 2 * 3_600;
const REFRESH_S = 90 * 86_400;
const MOST_SPENT = 10_000;

const claims = z.object({ scope: z.string(), sub: z.string(), exp: z.number(), jti: z.string() });

/** Sessions of programs, as JWTs (HS256) of this start of the host. */
export function createSessions(now: () => number): Sessions {
  const secret = randomBytes(32);
  const spent = createSeen({ now, keepMs: REFRESH_S * 1_000, most: MOST_SPENT });
  const mac = (input: string) => createHmac("sha256", secret).update(input).digest();

  function token(sub: string, scope: Scope, seconds: number): string {
    const iat = Math.floor(now() / 1_000);
    const jti = randomBytes(16).toString("base64url");
    const input = `${jwsPart({ typ: "at+jwt", alg: "HS256" })}.${jwsPart({ scope, sub, iat, exp: iat + seconds, jti })}`;
    return `${input}.${mac(input).toString("base64url")}`;
  }

  function read(text: string, scope: Scope): z.infer<typeof claims> | undefined {
    const [head = "", body = "", signature = ""] = text.split(".");
    const given = Buffer.from(signature, "base64url");
    const right = mac(`${head}.${body}`);
    if (given.length !== right.length || !timingSafeEqual(given, right)) return undefined;
    const found = claims.parse(JSON.parse(Buffer.from(body, "base64url").toString()));
    return found.scope === scope && found.exp * 1_000 > now() ? found : undefined;
  }

  return {
    open: (did) => ({
      accessJwt: token(did, "com.atproto.appPass", ACCESS_S),
      refreshJwt: token(did, "com.atproto.refresh", REFRESH_S),
    }),
    did: (text, scope) => read(text, scope)?.sub,
    spend(text) {
      const found = read(text, "com.atproto.refresh");
      return found && spent.first(found.jti) ? found.sub : undefined;
    },
  };
}
