export { fingerprint, isAlike, type Fingerprint, type Mime } from "./fingerprint.ts";
export {
  CONTACT_MS,
  createHabits,
  FORGIVEN_MS,
  openHabits,
  SETTLE_MS,
  type Habits,
  type Look,
  type Submission,
} from "./habits.ts";
export { fingerprintOf, LOOKED_AT } from "./mime.ts";
export { habitsMigration } from "./store.ts";
export {
  firstContactTrips,
  FIRST_CONTACT,
  KNOWN_AFTER,
  overBudget,
  PROBE_BUDGET,
  probesOf,
  type ContentFacts,
} from "./trips.ts";
