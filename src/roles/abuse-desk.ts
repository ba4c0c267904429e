import MailComposer from "nodemailer/lib/mail-composer";
import type { PastedHeader } from "../allowlist/index.ts";
import { forwardId, type ForwardWish, type Forwarded, type messageOf } from "../feedback/index.ts";
import type { AbuseKind, AbuseStatus, Inbox } from "../inbox/index.ts";
import { base32, secureRandom } from "../lib/ids.ts";
import { createRateTable } from "../lib/rate-table.ts";
import type { Clock } from "../lib/clock.ts";
import type { Logger } from "../platform/log.ts";

type Marks = Parameters<typeof messageOf>[0];
type Found = { id: string; did: string; fromDomain: string; receivedAt: number };

export type AbuseDeskOptions = {
  inbox: Pick<Inbox, "keep" | "abuseStatus">;
  /** The message of ours that a header names by its marks. */
  reported: (marks: Marks) => Promise<Found | undefined>;
  poolDomain: string;
  /** Where what people are to read is sent on to; undefined: nowhere. */
  rolesTo: string | undefined;
  forward: (wish: ForwardWish & { address: string }) => Promise<Forwarded>;
  clock: Clock;
  log: Logger;
};

export type NewAbuse = {
  reference: string;
  kind: AbuseKind;
  /** What the reporter says of it. */
  words: string;
  /** A mail address to ask back; empty: none was given. */
  answerTo: string;
  /** The header as it was pasted, and what was read in it. */
  text: string;
  header: PastedHeader;
};

export type AbuseTaken = "taken" | "known" | "too-many" | "full";

/** Reports of one client, and of all together: whoever has more to say writes to abuse@. */
const RATE = { limit: 10, periodMs: 3_600_000, burst: 5 };
const RATE_OF_ALL = { limit: 200, periodMs: 3_600_000, burst: 50 };
const MAX_CLIENTS = 20_000;
const NOBODY = {
  spf: { result: "none", domain: "" },
  dkim: [],
  dmarc: { result: "none", domain: "", policy: "" },
  arc: { result: "none" },
  results: "none",
} as const;

/** Reports of abuse that are made on the page: into the committee's inbox, with a reference by which their outcome is seen. */
export function createAbuseDesk(options: AbuseDeskOptions) {
  const { inbox, poolDomain, clock, log } = options;
  const rate = createRateTable(RATE, MAX_CLIENTS);
  const rateOfAll = createRateTable(RATE_OF_ALL, 1);

  return {
    /** 128 random bits: nobody finds another's report. */
    reference: (): string => base32(secureRandom(16)),
    /** The message of ours of which a header carries a genuine mark. */
    sent: (header: PastedHeader): Promise<Found | undefined> => options.reported(header.marks),
    /** On disk when it resolves; the same reference is kept once. `client`: who reports, for limits. */
    async take(report: NewAbuse, client: string): Promise<AbuseTaken> {
      if (inbox.abuseStatus(report.reference)) return "known";
      const now = clock.now();
      if (!rate.ask(client, now).ok || !rateOfAll.ask("", now).ok) return "too-many";
      rate.take(client, now);
      rateOfAll.take("", now);
      const message = await options.reported(report.header.marks);
      const to = `abuse@${poolDomain}`;
      const raw = await mailOf(report, { to, now, message });
      const mail = { to, raw, mailFrom: "", from: poolDomain, ip: "127.0.0.1", authentication: NOBODY };
      const id = forwardId(mail);
      const domains = signersOf(report.header);
      const kept = await inbox.keep({
        raw,
        folder: "abuse",
        kind: "abuse-report",
        to,
        mailFrom: "",
        why: message
          ? "Reported on the page of the allowlist. The header carries a genuine mark of ours"
          : "Reported on the page of the allowlist. The header was pasted, and carries no mark of ours: it proves nothing",
        authentication: "none",
        forward: options.rolesTo === undefined ? null : id,
        at: now,
        abuse: {
          reference: report.reference,
          kind: report.kind,
          domains,
          message: message ? { id: message.id, did: message.did } : null,
        },
      });
      if (kept.outcome === "full") return "full";
      log.info({ entry: kept.id, kind: report.kind, domains }, "abuse was reported");
      if (options.rolesTo !== undefined) {
        const forwarded = await options.forward({ ...mail, id, member: null, address: options.rolesTo });
        if (forwarded !== "taken" && forwarded !== "known")
          log.warn({ entry: kept.id, forwarded }, "a report of abuse was not sent on; it is in the inbox");
      }
      return "taken";
    },
    status: (reference: string): AbuseStatus | undefined => inbox.abuseStatus(reference),
  };
}

export type AbuseDesk = ReturnType<typeof createAbuseDesk>;

const signersOf = ({ signers }: PastedHeader) => [...new Set(signers.map(({ domain }) => domain))];

/** The report as a mail, as it would have come to abuse@: what the reporter says, and the header as an attachment. */
async function mailOf(
  { reference, kind, words, answerTo, text, header }: NewAbuse,
  { to, now, message }: { to: string; now: number; message: Found | undefined },
): Promise<Buffer> {
  const from = header.from ?? "nobody";
  const signers = signersOf(header).join(", ") || "nobody";
  return new MailComposer({
    from: { name: "Report of abuse", address: to },
    to,
    ...(answerTo !== "" && { replyTo: answerTo }),
    subject: `Abuse reported (${kind}): From ${from}, signed by ${signers}`.slice(0, 200),
    date: new Date(now),
    messageId: `<${reference.slice(0, 12)}.report@${to.slice(to.indexOf("@") + 1)}>`,
    headers: [{ key: "Auto-Submitted", value: "auto-generated" }],
    text: [
      `What happened: ${kind}`,
      `From:          ${from}`,
      `Signed by:     ${signers}`,
      `Sent by us:    ${message ? `message ${message.id} of ${message.fromDomain} (${message.did}), ${new Date(message.receivedAt).toISOString()}` : "no mark of ours is in the header"}`,
      `Answer to:     ${answerTo || "the page only"}`,
      "",
      words || "(no words)",
      "",
      "The header as it was pasted:",
      "",
      text.replace(/\r\n|\r|\n/g, "\r\n"),
    ].join("\r\n"),
    newline: "windows",
    disableFileAccess: true,
    disableUrlAccess: true,
  })
    .compile()
    .build();
}
