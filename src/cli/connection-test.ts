import { systemClock } from "../lib/clock.ts";
import { probeSubmission } from "../platform/submission-probe.ts";
import {
  IMPLICIT_PORTS,
  STARTTLS_PORTS,
  adviseNone,
  bestPort,
  judgePort,
  readUrl,
  writeUrl,
  type PortFacts,
  type PortFinding,
  type ReadUrl,
} from "../protocol/submission-check/index.ts";
import { CommandError, EXIT, outputFor, plain, readOption } from "./output.ts";
import { aboutUrl, sayNotes } from "./send-test.ts";

export type ConnectionTestOptions = {
  ca?: string;
  tlsPort?: number[];
  starttlsPort?: number[];
  timeout: string;
  json?: boolean;
};

/** `atmos connection-test [HOST|URL]`: which ways lead to a submission server from this machine. Sends and logs in nothing. */
export async function connectionTest(
  given: string | undefined,
  options: ConnectionTestOptions,
): Promise<number> {
  const out = outputFor(options);
  const text = given ?? process.env["PDS_EMAIL_SMTP_URL"];
  const read = text !== undefined && isHost(text) ? undefined : readUrl(text);
  const host = read === undefined ? text!.toLowerCase() : read.server?.host;
  if (host === undefined)
    throw new CommandError(
      `${aboutUrl(read!)
        .notes.map((note) => note.text)
        .join("\n")}\nName a host or a URL, or set PDS_EMAIL_SMTP_URL.`,
      EXIT.usage,
    );
  const timeoutMs = Number(options.timeout) * 1000;
  if (!(timeoutMs > 0 && timeoutMs <= 120_000))
    throw new CommandError("--timeout is a number of seconds, at most 120.", EXIT.usage);
  const url = read && aboutUrl(read);
  if (url) sayNotes(out, url);
  out.say(`Trying ${host}`);
  const probed = await probeSubmission({
    host,
    ports: portsOf(options, read),
    timeoutMs,
    ...(options.ca !== undefined && { ca: readOption("--ca", options.ca) }),
  });
  if ("fault" in probed) {
    const advice = `The name ${host} does not resolve. Look for a typing error.`;
    out.say(advice);
    out.result({ host, usable: false, code: probed.fault, advice, ports: [], ...(url && { url }) });
    return EXIT.fault;
  }
  const findings = probed.facts.map((facts) => judgePort(facts, host, systemClock.now()));
  for (const { port, mode, status, text: said } of findings)
    out.say(
      `${status === "right" ? "ok  " : "--  "} ${port} (${mode === "implicit" ? "TLS at once" : "STARTTLS"}): ${plain(said)}`,
    );
  const best = bestPort(findings);
  const advice = best ? `Use ${urlFor(best, host)}` : adviseNone(findings, host);
  out.say(advice);
  const verdict = judgeUrl(read, findings);
  if (verdict !== undefined) out.say(verdict.text);
  const usable = best !== undefined && verdict?.ok !== false;
  out.result({
    host,
    usable,
    ports: findings.map((finding, n) => ({
      ...finding,
      ...(probed.facts[n]!.address !== undefined && { address: probed.facts[n]!.address }),
    })),
    advice,
    ...(url && { url }),
  });
  return usable ? EXIT.ok : EXIT.fault;
}

const isHost = (text: string) => /^(\[?[0-9a-f:]+\]?|[a-z0-9_.-]+)$/i.test(text);

/** The four of submission, or those that are asked for; that of a URL with them. */
function portsOf(
  options: ConnectionTestOptions,
  read: ReadUrl | undefined,
): Pick<PortFacts, "port" | "mode">[] {
  const own = options.tlsPort !== undefined || options.starttlsPort !== undefined;
  const ports: Pick<PortFacts, "port" | "mode">[] = [
    ...(own ? (options.tlsPort ?? []) : IMPLICIT_PORTS).map((port) => ({ port, mode: "implicit" as const })),
    ...(own ? (options.starttlsPort ?? []) : STARTTLS_PORTS).map((port) => ({
      port,
      mode: "starttls" as const,
    })),
  ];
  const { server } = read ?? {};
  if (server && !ports.some(({ port }) => port === server.port))
    ports.unshift({ port: server.port, mode: server.secure ? "implicit" : "starttls" });
  return ports;
}

const urlFor = ({ port, mode }: PortFinding, host: string) =>
  writeUrl({ host, port, secure: mode === "implicit", user: "USER", pass: "SECRET" });

/** Whether the URL that was given leads there, beside what would be best. */
function judgeUrl(
  read: ReadUrl | undefined,
  findings: readonly PortFinding[],
): { ok: boolean; text: string } | undefined {
  if (read?.server === undefined) return undefined;
  if (read.notes.some(({ severity, code }) => severity === "fault" && code !== "no-login"))
    return { ok: false, text: "The URL that was given is wrong as it is written; see above." };
  const finding = findings.find(({ port }) => port === read.server!.port);
  return finding?.status === "right"
    ? { ok: true, text: "The URL that was given leads there." }
    : {
        ok: false,
        text: `The URL that was given does not lead there: its port ${read.server.port} is not right.`,
      };
}
