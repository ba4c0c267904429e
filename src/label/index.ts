export { resolveLabeler, type LabelerIdentity } from "./identity.ts";
export { createLabels, type Labels, type LabelsOptions } from "./labels.ts";
export { labelRoutes } from "./routes.ts";
export { labelMigration, type LabelInForce, type SequencedLabel } from "./store.ts";
export { LABELER_SERVICE_COLLECTION, labelerServiceRecord } from "./service-record.ts";
export { attachSubscribeLabels, type SubscribeOptions } from "./subscribe.ts";
export { PUBLIC_STANDING_TOPIC, type AttestedDomain, type PublicStanding } from "./wanted.ts";
