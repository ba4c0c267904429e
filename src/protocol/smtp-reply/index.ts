export {
  classify,
  faultOf,
  isPermanent,
  parseReply,
  REPLY_CLASSES,
  REPLY_PHASES,
  withoutAddresses,
  type Classified,
  type ReplyClass,
  type ReplyFault,
  type ReplyPhase,
} from "./classify.ts";
export { explain, FAULT_WORDS } from "./words.ts";
