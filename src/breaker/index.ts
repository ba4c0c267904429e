export {
  firstContactTrips,
  FIRST_CONTACT,
  KNOWN_AFTER,
  overBudget,
  PROBE_BUDGET,
  probesOf,
  type ContentFacts,
} from "./trips.ts";
