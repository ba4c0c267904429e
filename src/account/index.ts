export { CALLBACK_PATH, KEYS_PATH, METADATA_PATH } from "./client.ts";
export { PERSON_ROLES, roleOf, type Identity, type PersonRole } from "./identity.ts";
export { isDid, resolveHandle } from "./handle.ts";
export { createLogin, type FinishResult, type Login } from "./login.ts";
export { createPeople, type People, type Person } from "./people.ts";
export { createServiceAuth, type ServiceAuth, type ServiceCaller } from "./service-auth.ts";
export { accountMigration } from "./schema.ts";
export {
  createSessions,
  SESSION_LIFETIME_MS,
  type Sessions,
  type SessionResult,
  type SessionView,
} from "./sessions.ts";
export {
  accessFault,
  needOf,
  TOKEN_SCOPES,
  type ApiCaller,
  type Need,
  type TokenScope,
} from "./token-access.ts";
export {
  createTokens,
  isTokenInUse,
  MOST_TOKENS,
  TOKEN_DAYS,
  TOKEN_PREFIX,
  type NewToken,
  type Tokens,
  type TokenView,
} from "./tokens.ts";
