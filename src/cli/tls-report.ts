import type { Command, Option } from "commander";
import type { DayView, DomainView, ReportView } from "../tls-report/index.ts";
import { apiOf } from "./api.ts";
import { table } from "./egress-view.ts";
import { EXIT, outputFor, plain } from "./output.ts";

type Common = { env?: string; json?: boolean };
type Parts = {
  env: () => Option;
  json: () => Option;
  /** Makes an action of a command. */
  run: <A extends unknown[]>(command: (...args: A) => Promise<number>) => (...args: A) => Promise<void>;
};

const OFF = "Reports are switched off: ATMOS_TLS_REPORT=false.";

export async function tlsReportList(options: Common): Promise<number> {
  const out = outputFor(options);
  const answer = await apiOf(options.env)("GET", "/tls-report");
  if (answer["on"] === false) out.say(OFF);
  const days = answer["days"] as DayView[];
  const reports = answer["reports"] as ReportView[];
  for (const line of [...dayLines(days), "", ...reportLines(reports)]) out.say(plain(line));
  out.result(answer);
  return Number(answer["failed"]) > 0 ? EXIT.fault : EXIT.ok;
}

export async function tlsReportShow(domain: string, options: Common): Promise<number> {
  const out = outputFor(options);
  const answer = await apiOf(options.env)("GET", `/tls-report/domains/${encodeURIComponent(domain)}`);
  if (answer["on"] === false) out.say(OFF);
  const days = answer["days"] as DomainView[];
  if (days.length === 0) out.say(`Nothing is counted for ${domain}.`);
  for (const line of days.flatMap(domainLines)) out.say(plain(line));
  out.result(answer);
  return EXIT.ok;
}

function dayLines(days: readonly DayView[]): string[] {
  if (days.length === 0) return ["No TLS session is counted."];
  const rows = days.map(({ day, domains, succeeded, failed }) => [
    day,
    String(domains),
    String(succeeded),
    String(failed),
    "",
  ]);
  return table([["day (UTC)", "domains", "succeeded", "failed", ""], ...rows]);
}

function reportLines(reports: readonly ReportView[]): string[] {
  if (reports.length === 0) return ["No report was due to anybody who asks for one."];
  const rows = reports.map(({ day, domain, state, tries, sentTo, why }) => [
    day,
    domain,
    state,
    String(tries),
    [sentTo, why].filter(Boolean).join(": "),
  ]);
  return table([["day (UTC)", "domain", "report", "tries", "to"], ...rows]);
}

function domainLines({ day, policies, report }: DomainView): string[] {
  const lines = [`${day}  ${report ? reportWords(report) : "no report is due yet"}`];
  for (const { policy, succeeded, failed, failures } of policies) {
    const hosts = policy.mxHosts.length > 0 ? ` (${policy.mxHosts.join(", ")})` : "";
    lines.push(`  ${policy.type}${hosts}: ${succeeded} succeeded, ${failed} failed`);
    for (const text of policy.strings) lines.push(`    ${text}`);
    for (const { failure, sessions } of failures) {
      const { type, mxHost, receivingIp, reason } = failure;
      const where = [mxHost, receivingIp && `[${receivingIp}]`].filter(Boolean).join(" ");
      lines.push(`    ${sessions} x ${type}${where ? ` at ${where}` : ""}${reason ? `: ${reason}` : ""}`);
    }
  }
  return lines;
}

function reportWords({ state, sentTo, why, reportId, tries }: ReportView): string {
  const said = why ? ` (${why})` : "";
  switch (state) {
    case "waiting":
      return tries === 0 ? "report to come" : `report tried ${tries} times${said}`;
    case "mailed":
      return `report ${reportId} on its way to ${sentTo}`;
    case "sent":
      return `report ${reportId} taken by ${sentTo}${said}`;
    case "given-up":
      return `report given up${said}`;
  }
}

/** `atmos tls-report ...` */
export function tlsReportCommands(program: Command, { env, json, run }: Parts): void {
  const report = program
    .command("tls-report")
    .description("what TLS with other hosts came to, and who was told");
  report
    .command("list")
    .description("sessions of each day, and the reports that domains asked for")
    .addOption(env())
    .addOption(json())
    .addHelpText("after", "\nExit code 0: no report was given up. 1: one was.")
    .action(run(tlsReportList));
  report
    .command("show")
    .description("what was counted for a domain, and what became of its reports")
    .argument("<domain>")
    .addOption(env())
    .addOption(json())
    .action(run(tlsReportShow));
}
