export { fingerprint, type Fingerprint, type Mime } from "./fingerprint.ts";
export {
  CONTACT_MS,
  createHabits,
  FORGIVEN_MS,
  NEWCOMER_SETTLE_MS,
  SETTLE_MS,
  type FirstContactTrip,
  type Habits,
  type Look,
  type Submission,
} from "./habits.ts";
export { fingerprintOf } from "./mime.ts";
export { openHabits } from "./open.ts";
export { habitsMigration } from "./store.ts";
export {
  FIRST_CONTACT,
  KNOWN_AFTER,
  overBudget,
  PROBE_BUDGET,
  probesOf,
  SLOWED_HOURLY,
  type ContentFacts,
} from "./trips.ts";
