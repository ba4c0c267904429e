import { judgeAddress } from "../../egress/index.ts";
import { faultOfLocalAddress } from "../../platform/local-address.ts";
import { fail, ok, warn, type Finding, type Probe } from "./probe.ts";

/** The addresses that mail leaves from: are they this host's, and what does the world see of them? */
export const egress: Probe = async ({ config, resolver, now }) => {
  if (!config.ROLES.includes("relay")) return [];
  if (config.EGRESS_ADDRESSES.length === 0) {
    return [
      warn(
        "egress",
        "the system chooses the address that mail leaves from: it is neither warmed up nor watched",
        "Name it: ATMOS_EGRESS_ADDRESSES=<address>=<its name>.",
      ),
    ];
  }
  const options = {
    resolver,
    blocklists: config.EGRESS_BLOCKLISTS,
    allowPrivate: config.ALLOW_PRIVATE_NETWORK,
  };
  const findings = await Promise.all(
    config.EGRESS_ADDRESSES.map(async (one): Promise<Finding[]> => {
      const name = `egress ${one.address}`;
      const [fault, seen] = await Promise.all([
        faultOfLocalAddress(one.address),
        judgeAddress(one, options, now()),
      ]);
      const found: Finding[] = [
        fault === undefined
          ? ok(name, `connections can begin there; EHLO ${one.ehlo}`)
          : fail(
              name,
              `is not bound on this host (${fault})`,
              "Give it to an interface of this host, or take it out of ATMOS_EGRESS_ADDRESSES.",
            ),
      ];
      if (!seen)
        return [
          ...found,
          warn(name, "is no public address, so nobody can be asked about it", "Nothing, in a sandbox."),
        ];
      const { reverse, listings } = seen;
      if (!reverse) found.push(warn(name, "its reverse DNS gives no answer", "Look at ATMOS_DNS_SERVERS."));
      else if (reverse.problem === undefined) found.push(ok(name, `${reverse.names.join(", ")}, and back`));
      else
        found.push(
          (reverse.confirmed ? warn : fail)(name, reverse.problem, "Large providers refuse such mail."),
        );
      for (const { list, state, evidence, listed } of listings) {
        if (listed)
          found.push(
            fail(
              name,
              `is on ${list}: ${evidence} ${listed.text}`.trim(),
              "Mend the cause, then ask the list.",
            ),
          );
        else if (state === "clear") found.push(ok(name, `is not on ${list}`));
        else
          found.push(
            warn(
              name,
              `${list} says nothing: ${evidence}`,
              "Use a resolver of your own, or another list in ATMOS_EGRESS_BLOCKLISTS.",
            ),
          );
      }
      return found;
    }),
  );
  return findings.flat();
};
