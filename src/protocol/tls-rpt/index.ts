export { destinationsOf, parseTlsRpt, type Destinations, type TlsRptRecord } from "./record.ts";
export {
  makeReport,
  reportFileName,
  reportId,
  reportToken,
  type PolicyCount,
  type ReportFacts,
  type ReportedPolicy,
  type ReportedFailure,
  type TlsReport,
} from "./report.ts";
export { reportMail, type ReportMail } from "./mail.ts";
export { MOST_FAILURES, MOST_POLICIES, parseTlsReport, readTlsReport, type ReadTls } from "./read.ts";
