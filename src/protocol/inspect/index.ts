import { readComplaint } from "../arf/index.ts";
import { readDmarcReport } from "../dmarc-report/index.ts";
import { readMail, type Mail, type MailPart } from "../mime/index.ts";
import { readTlsReport } from "../tls-rpt/read.ts";
import { isDispositionNotice, saysAutoReply, soundsAutoReply } from "./auto-reply.ts";
import { readBounce } from "./bounce.ts";
import { hasDeliveryStatus } from "./dsn.ts";
import { readNotification } from "./notification.ts";
import type { Inspection } from "./types.ts";

export { readAddress } from "./address.ts";
export * from "./types.ts";

/**
 * What a message that came back says: a bounce with its recipients, a complaint, a report, an automatic answer, or
 * none of these. Bounded by what `readMail` reads; never rejects.
 */
export async function inspect(raw: Uint8Array): Promise<Inspection> {
  return inspectMail(await readMail(raw));
}

async function inspectMail(mail: Mail): Promise<Inspection> {
  const complaint = readComplaint(mail);
  if (complaint) return { kind: "complaint", recipients: [], complaint };
  if (isDispositionNotice(mail)) return { kind: "auto-reply", recipients: [] };
  if (!hasDeliveryStatus(mail)) {
    const carried = { ...mail, parts: mail.parts.filter((part) => !isBody(part)) };
    const dmarc = await readDmarcReport(carried);
    if (dmarc) return { kind: "dmarc-report", recipients: [], ...dmarc };
    const tls = await readTlsReport(carried);
    if (tls) return { kind: "tls-report", recipients: [], ...tls };
  }
  const bounce = readNotification(mail) ?? readBounce(mail);
  if (bounce) return bounce;
  return { kind: saysAutoReply(mail) || soundsAutoReply(mail) ? "auto-reply" : "message", recipients: [] };
}

/** Of a page without a name no report is made, and to read one as XML costs more than all else. */
const isBody = ({ type, filename }: MailPart) => type === "text/html" && filename === "";
