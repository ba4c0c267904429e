import { ADDRESS } from "./address.ts";

const ANY_ADDRESS = new RegExp(`<?(?:mailto:)?${ADDRESS}>?`, "gu");
/** Of lists the name is the reason. */
const HOSTS =
  /\b(?:host|server|with|by|from|to|mta|via|while talking to) (?![\w.-]{0,60}(?:spamhaus|spamcop|barracuda|sorbs|surbl|uribl|abuseat|dnsbl))[\w-]{1,63}(?:\.[\w-]{1,63}){1,10}(?:\[[^\]]{0,50}\])?/gi;

/** What stands behind these is the reason: "Recipient address rejected: Greylisted". */
export const PREFIXES: readonly RegExp[] = [
  /recipient address rejected:\s*(?!access denied)(\S.*)/is,
  // IronPort and Amazon SES put a guess of their own in front.
  /\d\.\d\.\d - [\w ]{4,40} error (\d{3}[\s-].*)/is,
];

/** Words that say that a reply came behind the recipient. */
export const AFTER_RCPT =
  /in reply to (?:end of )?(?:data|mail|helo|ehlo)|after (?:end of )?(?:data|mail|helo|ehlo)|(?:end of|sending) (?:data|message)|>>> (?:data|mail|helo|ehlo)/i;

/** Sentences that servers add to every notice, whatever the cause. */
const ALWAYS: readonly { vendor: string; pattern: RegExp }[] = [
  { vendor: "postfix", pattern: /for further assistance.{0,200}/gi },
  { vendor: "postfix", pattern: /if you do so, please include this problem report.{0,120}/gi },
  { vendor: "exim", pattern: /no action is required on your part.{0,400}/gi },
  {
    vendor: "exim",
    pattern: /a message that you sent could not be delivered to one or more of its recipients/gi,
  },
  { vendor: "opensmtpd", pattern: /please note that this is only a temporary failure report.{0,400}/gi },
  { vendor: "sendmail", pattern: /you do not need to re-?send.{0,200}/gi },
  { vendor: "gmail", pattern: /message will be retried for .{0,40}/gi },
  {
    vendor: "several",
    pattern:
      /(?:your|the) message (?:could not|cannot|was not able to) be delivered(?: to (?:one or more|the following|some) .{0,60}?(?:recipients|destinations|addresses))?/gi,
  },
  { vendor: "several", pattern: /this (?:message was created|is an) automatic(?:ally)?.{0,80}/gi },
  { vendor: "sendmail", pattern: />>> ?(?:rcpt to|mail from|data|helo|ehlo):?/gi },
  {
    vendor: "exim",
    pattern:
      /(?:smtp )?error from remote (?:mail )?server after (?:end of )?(?:rcpt to|mail from|data|helo|ehlo|pipelined \w+(?: to| from)?)(?: command)?:?/gi,
  },
  { vendor: "postfix", pattern: /\(in reply to .{0,40}command\)/gi },
  { vendor: "several", pattern: /message headers? follows?.{0,20}/gi },
  // Of a link the host says something (spamhaus.org), its path is a title of a page.
  { vendor: "several", pattern: /(?<=https?:\/\/[\w.-]{1,100})\/\S{1,300}/gi },
];

/** The code that begins each line of a reply of several, in the midst of a sentence. */
const LINE_CODE = / ([45]\d\d)[- ](?:[45]\.\d{1,3}\.\d{1,3} )?(?=[a-z])/g;

function asOneLine(text: string): string {
  const first = /(?:^|[^\d.])([45]\d\d)[- ]/.exec(text);
  return text.replace(LINE_CODE, (found, code: string, at: number) =>
    first && first[1] === code && at > first.index ? " " : found,
  );
}

/** The words of a notice that say why; without addresses and names of hosts, which may read like a reason. */
export function withoutRoutine(text: string): string {
  let words = asOneLine(text.slice(0, 3_000).replace(/\s+/g, " "));
  for (const { pattern } of ALWAYS) words = words.replace(pattern, " ");
  return words.replace(ANY_ADDRESS, " ").replace(HOSTS, " ").replace(/\s+/g, " ").trim();
}
