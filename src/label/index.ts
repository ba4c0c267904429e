export { labelerDidDocument } from "./did-document.ts";
export { createLabels, type Labels, type LabelsListener, type LabelsOptions } from "./labels.ts";
export { labelRoutes } from "./routes.ts";
export { labelMigration, type SequencedLabel } from "./store.ts";
export { attachSubscribeLabels, type SubscribeOptions } from "./subscribe.ts";
export {
  LABEL_VALUES,
  PUBLIC_STANDING_TOPIC,
  wantedLabels,
  type AttestedDomain,
  type LabelValue,
  type PublicStanding,
  type Wanted,
  type WantedLabel,
} from "./wanted.ts";
