import { apiOf } from "./api.ts";
import { applicationLines, who, type Application, type Common, type Decided } from "./member.ts";
import { CommandError, EXIT, outputFor } from "./output.ts";

export type ApplyOptions = Decided & {
  name: string;
  contact: string;
  domain: string[];
  daily?: string;
  purpose?: string;
  pds?: string;
  words?: string;
};

const path = (did: string, rest: string) => `/applications/${encodeURIComponent(did)}${rest}`;

/** `atmos member apply`: enters what somebody applied with. */
export async function memberApply(did: string, options: ApplyOptions): Promise<number> {
  const out = outputFor(options);
  if (options.daily !== undefined && !/^\d{1,7}$/.test(options.daily))
    throw new CommandError(`--daily ${options.daily} is not a whole number.`, EXIT.usage);
  const { name, contact, domain, daily, purpose, pds, words } = options;
  const answer = await apiOf(options.env)("POST", "/applications", {
    did,
    name,
    contact,
    domains: domain,
    ...(daily !== undefined && { daily: Number(daily) }),
    ...(purpose !== undefined && { purpose }),
    ...(pds !== undefined && { pds }),
    ...(words !== undefined && { words }),
    ...who(options),
  });
  out.say(`${did} has applied, and sends nothing until a person has approved it.`);
  out.say(`Next: atmos member approve ${did}`);
  out.result(answer);
  return EXIT.ok;
}

export async function memberApplications(options: Common & { state?: string }): Promise<number> {
  const out = outputFor(options);
  const state = encodeURIComponent(options.state ?? "open");
  const answer = await apiOf(options.env)("GET", `/applications?state=${state}`);
  const applications = answer["applications"] as Application[];
  out.say(applications.length === 0 ? "No application." : applications.map(applicationLines).join("\n\n"));
  out.result(answer);
  return EXIT.ok;
}

export async function memberApprove(
  did: string,
  options: Decided & { tier?: string; note?: string },
): Promise<number> {
  const out = outputFor(options);
  const answer = await apiOf(options.env)("POST", path(did, "/approve"), {
    ...(options.tier !== undefined && { tier: options.tier }),
    ...(options.note !== undefined && { note: options.note }),
    ...who(options),
  });
  out.say(`${did} is a member, tier ${String(answer["tier"])}.`);
  out.result(answer);
  return EXIT.ok;
}

export async function memberDecline(did: string, options: Decided & { reason: string }): Promise<number> {
  const out = outputFor(options);
  const answer = await apiOf(options.env)("POST", path(did, "/decline"), {
    reason: options.reason,
    ...who(options),
  });
  out.say(`The application of ${did} is declined. What it applied with is kept.`);
  out.result(answer);
  return EXIT.ok;
}
