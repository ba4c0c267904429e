export type {
  Deadlines,
  DeliveryConfig,
  RelayIdentity,
  SubmissionConfig,
  SuppressionCheck,
  ForwardFailure,
  UnsubscribeUrl,
} from "./context.ts";
export { recipientFacts } from "./context.ts";
export { parseAddress } from "./submission/address.ts";
export type { Login, Who } from "./submission/login.ts";
export type { Refusal } from "./submission/refusal.ts";
export type { RefusedRecipient, SubmitInput, SubmitResult } from "./submission/submit.ts";
export { CREDENTIAL_USED_TOPIC, type CredentialUse } from "./submission/use.ts";
export { ageMigration, clockSeen, createAges, type Ages } from "./delivery/age.ts";
export { createRelay, type Relay, type RelayOptions } from "./relay.ts";
export { startInbound, type Inbound, type InboundOptions } from "./inbound/index.ts";
