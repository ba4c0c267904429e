import { createTransport } from "nodemailer";
import {
  explain,
  readUrl,
  type ReadUrl,
  type SmtpFault,
  type Target,
} from "../protocol/submission-check/index.ts";
import { CommandError, EXIT, outputFor, plain, readOption, type Output } from "./output.ts";
import { makeWatchedTest, sayVerdicts } from "./watch-test.ts";

export type SendTestOptions = {
  url?: string;
  from?: string;
  ca?: string;
  subject?: string;
  watch?: boolean;
  coop?: string;
  json?: boolean;
};

const TIMEOUT_MS = 15_000;

/**
 * `atmos send-test TO`: one message through a submission server, with the words of the server and what they mean. `--watch`: to
 * the cooperative itself, and what vouches for it there.
 */
export async function sendTest(given: string | undefined, options: SendTestOptions): Promise<number> {
  const out = outputFor(options);
  const read = readUrl(options.url ?? process.env["PDS_EMAIL_SMTP_URL"]);
  const { target } = read;
  const url = aboutUrl(read);
  const { notes } = url;
  if (target === undefined)
    throw new CommandError(
      `${notes.map(({ text }) => text).join("\n")}\nName it with --url, or set PDS_EMAIL_SMTP_URL.`,
      EXIT.usage,
    );
  const from = options.from ?? process.env["PDS_EMAIL_FROM_ADDRESS"];
  if (!from)
    throw new CommandError("Name the sender with --from, or set PDS_EMAIL_FROM_ADDRESS.", EXIT.usage);
  if ((given === undefined) !== (options.watch === true))
    throw new CommandError("Name a recipient, or --watch and no recipient.", EXIT.usage);
  const ca = options.ca === undefined ? undefined : readOption("--ca", options.ca);
  sayNotes(out, url);
  const broken = notes.some(({ severity }) => severity === "fault");
  out.say(
    `Connecting to ${target.host}:${target.port} (${target.secure ? "TLS at once" : "STARTTLS"}) as ${plain(target.user)}`,
  );
  const watched = given === undefined ? await makeWatchedTest(options.coop, target) : undefined;
  const to = given ?? watched!.address;
  const sent = await send(target, from, to, { ca, subject: options.subject });
  if ("fault" in sent) {
    const { code, text: remedy } = explain(sent.fault, target);
    const response = sent.fault.response ?? sent.fault.message;
    out.say(`Not accepted: ${plain(response.trim())}`);
    out.say(`What to do: ${remedy}`);
    if (code === "blocked" || code === "refused" || code === "wrong-mode")
      out.say(`What is open: atmos connection-test ${target.host}`);
    out.result({ accepted: false, code, response, remedy, url });
    return EXIT.fault;
  }
  out.say(`Accepted: ${plain(sent.response)}`);
  out.say(`Message-ID ${sent.messageId}`);
  if (broken) out.say("It was accepted because the URL was corrected here; the PDS needs the corrected one.");
  const accepted = { accepted: true, response: sent.response, messageId: sent.messageId, url };
  if (!watched) {
    out.result(accepted);
    return broken ? EXIT.fault : EXIT.ok;
  }
  const arrival = await watched.watch(out);
  out.result({ ...accepted, test: watched.id, arrival: arrival ?? null });
  if (arrival) sayVerdicts(out, arrival);
  else out.say("It has not arrived in two minutes. Your page says where it is: Test mail.");
  return arrival?.passed === true && !broken ? EXIT.ok : EXIT.fault;
}

type AboutUrl = Pick<ReadUrl, "notes"> & { corrected?: string };

/**
 * What is wrong with a URL, and how it is written right. People show this to whoever helps them: secrets of ours, which
 * need no encoding, are left out.
 */
export function aboutUrl({ notes, corrected }: ReadUrl): AboutUrl {
  const hide = (text: string) => text.replaceAll(/atms_[a-z2-7]{8,}/gi, "atms_...");
  return {
    notes: notes.map((note) => ({ ...note, text: hide(note.text) })),
    ...(corrected !== undefined && { corrected: hide(corrected) }),
  };
}

export function sayNotes(out: Output, { notes, corrected }: AboutUrl): void {
  for (const { severity, text } of notes)
    out.say(`${severity === "fault" ? "The URL is wrong" : "A hint"}: ${plain(text)}`);
  if (corrected !== undefined) out.say(`Write it so: ${plain(corrected)}`);
}

async function send(
  target: Target,
  from: string,
  to: string,
  options: { ca: string | undefined; subject: string | undefined },
): Promise<{ response: string; messageId: string } | { fault: SmtpFault }> {
  const transport = createTransport({
    host: target.host,
    port: target.port,
    secure: target.secure,
    requireTLS: true,
    auth: { user: target.user, pass: target.pass },
    connectionTimeout: TIMEOUT_MS,
    greetingTimeout: TIMEOUT_MS,
    socketTimeout: 2 * TIMEOUT_MS,
    ...(options.ca !== undefined && { tls: { ca: options.ca } }),
  });
  try {
    return await transport.sendMail({
      from,
      to,
      subject: options.subject ?? "A test from Atmosphere Mail",
      text: "This is a test message. If you can read it, mail from this sender arrives.\n",
    });
  } catch (error) {
    return { fault: error as SmtpFault };
  } finally {
    transport.close();
  }
}
