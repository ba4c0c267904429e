import type { ReplyClass } from "../src/protocol/smtp-reply/index.ts";
import type { Script } from "./scripted-sink.ts";

/** How the one recipient of a script must end. */
export type Ended = {
  state: "delivered" | "deferred" | "bounced";
  class: ReplyClass;
  permanent: boolean;
  transcript: RegExp;
  /** Of the shaping file; null: the general table judges. */
  rule?: string | null;
};

export type ScriptedProvider = {
  provider: string;
  /** A mail host of theirs, by which we know them. */
  host: string;
  cases: { name: string; script: Script; ended: Ended }[];
};

const later = (kind: ReplyClass, rule: string, transcript: RegExp): Ended => ({
  state: "deferred",
  class: kind,
  permanent: false,
  rule,
  transcript,
});
const never = (kind: ReplyClass, rule: string | null, transcript: RegExp): Ended => ({
  state: "bounced",
  class: kind,
  permanent: true,
  rule,
  transcript,
});

/** In providers' own words, as their pages and operators publish them; where `src/shaping/replies.jsonl` has more of them. */
export const PROVIDER_SCRIPTS: ScriptedProvider[] = [
  {
    provider: "Gmail",
    host: "gmail-smtp-in.l.google.com",
    cases: [
      {
        name: "greets with 421",
        script: {
          banner: {
            says: "421-4.7.0 [192.0.2.1] Try again later, closing connection.\n421 4.7.0  https://support.google.com/mail/answer/13855 - gsmtp",
            goes: "away",
          },
        },
        ended: later("rate-limited", "gmail/busy", /S: 421-4\.7\.0 [^]*S: 421 4\.7\.0/),
      },
      {
        name: "knows nobody of that name",
        script: {
          rcpt: "550-5.1.1 The email account that you tried to reach does not exist. Please try\n550-5.1.1 double-checking the recipient's email address for typos or\n550-5.1.1 unnecessary spaces. For more information, go to\n550 5.1.1  https://support.google.com/mail/?p=NoSuchUser - gsmtp",
        },
        ended: never("bad-mailbox", null, /S: 550 5\.1\.1 .*NoSuchUser/),
      },
      {
        name: "slows the address down after the dot, and closes",
        script: {
          dot: {
            says: "421-4.7.28 Gmail has detected an unusual rate of unsolicited mail originating from\n421-4.7.28 your IP address. To protect our users from spam, mail sent from your\n421 4.7.28 IP address has been temporarily rate limited. - gsmtp",
            goes: "away",
          },
        },
        ended: later("rate-limited", "gmail/rate-of-address", /S: 421 4\.7\.28/),
      },
      {
        name: "finds neither SPF nor DKIM",
        script: {
          dot: "550-5.7.26 Your email has been blocked because the sender is unauthenticated.\n550-5.7.26 Gmail requires all senders to authenticate with either SPF or DKIM.\n550 5.7.26  https://support.google.com/mail/answer/81126#authentication - gsmtp",
        },
        ended: never("authentication", "gmail/unauthenticated", /S: 550 5\.7\.26/),
      },
    ],
  },
  {
    provider: "Microsoft",
    host: "outlook-com.olc.protection.outlook.com",
    cases: [
      {
        name: "has the network on its list",
        script: {
          mail: "550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. Please contact your Internet service provider since part of their network is on our block list (S3140). You can also refer your provider to http://mail.live.com/mail/troubleshooting.aspx#errors. [BN1NAM02FT049.eop-nam02.prod.protection.outlook.com]",
        },
        ended: later("blocked", "microsoft/s3140", /S: 550 5\.7\.1 .*S3140/),
      },
      {
        name: "is busy",
        script: {
          rcpt: "451 4.7.650 The mail server [192.0.2.1] has been temporarily rate limited due to IP reputation. For e-mail delivery information, see https://postmaster.live.com (S775)",
        },
        ended: { state: "deferred", class: "rate-limited", permanent: false, transcript: /S: 451 4\.7\.650/ },
      },
      {
        name: "knows nobody of that name",
        script: { rcpt: "550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302)." },
        ended: { state: "bounced", class: "bad-mailbox", permanent: true, transcript: /S: 550 5\.5\.0/ },
      },
    ],
  },
  {
    provider: "Yahoo",
    host: "mta5.am0.yahoodns.net",
    cases: [
      {
        name: "defers for complaints",
        script: {
          banner: {
            says: "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected volume or user complaints - 4.16.55.1; see https://postmaster.yahooinc.com/error-codes",
            goes: "away",
          },
        },
        ended: {
          state: "deferred",
          class: "rate-limited",
          permanent: false,
          transcript: /S: 421 4\.7\.0 \[TSS04\]/,
        },
      },
      {
        name: "knows nobody of that name",
        script: {
          dot: "554 delivery error: dd This user doesn't have a yahoo.com account (bob@yahoo.com) [0] - mta1234.mail.bf1.yahoo.com",
        },
        ended: {
          state: "bounced",
          class: "bad-mailbox",
          permanent: true,
          transcript: /S: 554 delivery error/,
        },
      },
    ],
  },
  {
    provider: "GMX and Web.de",
    host: "mx00.gmx.net",
    cases: [
      {
        name: "has the address on a list",
        script: {
          banner: {
            says: "554-gmx.net (mxgmx009) Nemesis ESMTP Service not available\n554-No SMTP service\n554-IP address is block listed.\n554 For explanation visit https://postmaster.gmx.net/en/error-messages?ip=192.0.2.1&c=bl",
            goes: "away",
          },
        },
        ended: {
          state: "deferred",
          class: "blocked",
          permanent: false,
          transcript: /S: 554-No SMTP service/,
        },
      },
    ],
  },
  {
    provider: "a small host with Postfix and a greylist",
    host: "mx.peer.test",
    cases: [
      {
        name: "greylists",
        script: {
          rcpt: "450 4.2.0 <bob@a.test>: Recipient address rejected: Greylisted, see http://postgrey.schweikert.ch/help/a.test.html",
        },
        ended: later("greylisted", "general/greylisted", /S: 450 4\.2\.0/),
      },
      {
        name: "asks Spamhaus",
        script: {
          rcpt: "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org; https://www.spamhaus.org/query/ip/192.0.2.1",
        },
        ended: later("blocked", "general/spamhaus", /S: 554 5\.7\.1/),
      },
      {
        name: "has a full mailbox",
        script: { dot: "452 4.2.2 <bob@a.test> Mailbox is full / Quota exceeded" },
        ended: { state: "deferred", class: "mailbox-full", permanent: false, transcript: /S: 452 4\.2\.2/ },
      },
    ],
  },
];
