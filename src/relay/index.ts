export type {
  Deadlines,
  DeliveryConfig,
  RelayIdentity,
  SubmissionConfig,
  SuppressionCheck,
} from "./context.ts";
export { recipientFacts } from "./context.ts";
export { createRelay, type Relay, type RelayOptions } from "./relay.ts";
export { startInbound, type Inbound, type InboundOptions } from "./inbound/index.ts";
