import type { Connection } from "../../provider-data/index.ts";
import { apiWith } from "../api.ts";
import { ok, warn, type Finding, type Probe } from "./probe.ts";

type About = { provider: string; connection: Pick<Connection, "broken" | "failures" | "said"> | null };

/** Whether the logins to providers' figures still work, as the core that runs knows it. */
export const providers: Probe = async ({ config, secrets }) => {
  if (!config.ROLES.includes("core")) return [];
  try {
    const answer = await apiWith({ config, secrets })("GET", "/provider");
    return judgeProviders((answer["providers"] as About[] | undefined) ?? []);
  } catch {
    // That it does not run is said elsewhere.
    return [];
  }
};

const MOST_FAILURES = 3;

/** Pure. Nothing is said where no provider is connected. */
export function judgeProviders(all: readonly About[]): Finding[] {
  return all.flatMap(({ provider, connection }) => {
    if (!connection) return [];
    const { broken, failures, said } = connection;
    if (broken)
      return [
        warn(
          "providers",
          `${provider}: the login is broken: ${broken.why}`,
          `atmos provider connect ${provider}`,
        ),
      ];
    const why = said === "" ? "" : `: ${said}`;
    if (failures >= MOST_FAILURES)
      return [
        warn(
          "providers",
          `${provider}: ${failures} looks failed in a row${why}`,
          "atmos provider list says more.",
        ),
      ];
    return [ok("providers", `${provider}: the login works${why}`)];
  });
}
