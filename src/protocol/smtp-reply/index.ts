export {
  classify,
  codeClass,
  codedClass,
  faultOf,
  isPermanent,
  parseReply,
  REPLY_CLASSES,
  REPLY_PHASES,
  saidClass,
  withoutAddresses,
  type Classified,
  type ReplyClass,
  type ReplyFault,
  type ReplyPhase,
} from "./classify.ts";
export { explain, FAULT_WORDS } from "./words.ts";
export { type FineClass } from "./phrases.ts";
