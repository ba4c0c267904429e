export {
  classify,
  faultOf,
  parseReply,
  withoutAddresses,
  type Classified,
  type ReplyClass,
  type ReplyFault,
  type ReplyPhase,
} from "./classify.ts";
export { PROVIDERS, providerOf, providerOfMailbox } from "./provider.ts";
