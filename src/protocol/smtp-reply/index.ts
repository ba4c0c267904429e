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
export { providerOf } from "./provider.ts";
