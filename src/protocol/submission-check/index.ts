export { explain, type FailureCode, type SmtpFault } from "./failure.ts";
export {
  adviseNone,
  bestPort,
  judgePort,
  type PortFacts,
  type PortFinding,
  type PortStatus,
  type TlsFacts,
} from "./ports.ts";
export {
  IMPLICIT_PORTS,
  STARTTLS_PORTS,
  readUrl,
  writeUrl,
  type ReadUrl,
  type Target,
  type UrlNote,
} from "./url.ts";
