import { createShaping, readShaping, unknownProvider } from "../../shaping/index.ts";
import { fail, ok, type Probe } from "./probe.ts";

/** The shaping file as it is now: a relay that runs keeps the last good one while this one is faulty. */
export const shaping: Probe = async ({ config }) => {
  if (!config.ROLES.includes("relay")) return [];
  const read = readShaping(config.SHAPING_FILE);
  if (!read.ok) {
    const remedy =
      "Mend it (docs/shaping.md). A relay that runs keeps the last good one until then; none starts with it.";
    return read.problems.map((problem) => fail("shaping", problem, remedy));
  }
  const unknown = Object.keys(config.PROVIDER_DAILY).flatMap(
    (name) => unknownProvider(createShaping(read.data), name) ?? [],
  );
  if (unknown.length > 0) {
    const remedy = "Name providers as atmos shaping show lists them, or add yours to the shaping file.";
    return unknown.map((words) => fail("shaping", `ATMOS_PROVIDER_DAILY: ${words}`, remedy));
  }
  const { providers, domains } = read.data;
  const clear = [...domains].filter(([, { tls }]) => tls === "clear").map(([name]) => name);
  return [
    ok("shaping", `${config.SHAPING_FILE ?? "the built-in file"}: ${providers.length} providers`),
    ...(clear.length > 0 ? [ok("shaping", `mail may go in clear to ${clear.join(", ")}`)] : []),
  ];
};
