import { apiWith } from "../api.ts";
import { fail, ok, warn, type Probe } from "./probe.ts";

const REMEDY =
  "atmos tls-report list says what receivers answered. Nothing of yours is lost: they have one report less.";

/** Whether the reports that other domains asked for reach them, as the relay that runs knows it. */
export const tlsReport: Probe = async ({ config, secrets }) => {
  if (!config.ROLES.includes("relay") || !config.ROLES.includes("core") || !config.TLS_REPORT) return [];
  let answer: Record<string, unknown>;
  try {
    answer = await apiWith({ config, secrets })("GET", "/tls-report");
  } catch {
    // That it does not run is said elsewhere.
    return [warn("tls-report", "nobody answers who knows of reports", "Start it with: atmos serve")];
  }
  const reports = (answer["reports"] as { state: string }[] | undefined) ?? [];
  const failed = Number(answer["failed"]);
  const sent = reports.filter(({ state }) => state === "sent").length;
  if (failed === 0) return [ok("tls-report", `${sent} of the latest reports were taken, none was given up`)];
  const text = `${failed} reports of the last week reached nobody`;
  return [
    sent === 0 ? fail("tls-report", `${text}, and none was taken`, REMEDY) : warn("tls-report", text, REMEDY),
  ];
};
