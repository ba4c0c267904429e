import { apiOf } from "./api.ts";
import { EXIT, outputFor } from "./output.ts";

type Common = { env?: string; json?: boolean };
type Records = { name: string; type: string; value: string; purpose: string }[];

const path = (did: string, rest: string) => `/members/${encodeURIComponent(did)}${rest}`;

export async function memberAdd(
  did: string,
  options: Common & { name?: string; tier?: string },
): Promise<number> {
  const out = outputFor(options);
  const answer = await apiOf(options.env)("POST", "/members", {
    did,
    name: options.name ?? did,
    ...(options.tier !== undefined && { tier: options.tier }),
  });
  out.say(`${did} is a member, tier ${String(answer["tier"])}.`);
  out.say(`Next: atmos member domain ${did} DOMAIN`);
  out.result(answer);
  return EXIT.ok;
}

export async function memberDomain(did: string, domain: string, options: Common): Promise<number> {
  const out = outputFor(options);
  const answer = await apiOf(options.env)("POST", path(did, "/domains"), { domain });
  out.say("Publish these records:");
  for (const { name, type, value, purpose } of answer["records"] as Records) {
    out.say(`\n  ; ${purpose}`);
    out.say(`  ${name}. ${type} ${type === "TXT" ? JSON.stringify(value) : `${value}.`}`);
  }
  out.say(
    "\nThen write the attestation into the member's repository: community.email.attestation, record key",
  );
  out.say(`${String(answer["domain"])}, with these keys:`);
  out.say(JSON.stringify(answer["dkim"], null, 2));
  out.result(answer);
  return EXIT.ok;
}

export async function memberCredential(did: string, domains: string[], options: Common): Promise<number> {
  const out = outputFor(options);
  const answer = await apiOf(options.env)("POST", path(did, "/credentials"), { domains });
  out.say("The secret is shown once. For the PDS's environment file:\n");
  for (const [name, value] of Object.entries(answer["environment"] as Record<string, string>))
    out.say(`${name}=${value}`);
  out.result(answer);
  return EXIT.ok;
}

export async function memberRevoke(did: string, id: string, options: Common): Promise<number> {
  const out = outputFor(options);
  const answer = await apiOf(options.env)(
    "POST",
    path(did, `/credentials/${encodeURIComponent(id)}/revoke`),
    {},
  );
  out.say(`Credential ${id} is revoked.`);
  out.result(answer);
  return EXIT.ok;
}

export async function memberStanding(
  did: string,
  standing: string,
  options: Common & { reason: string; remedy?: string },
): Promise<number> {
  const out = outputFor(options);
  const answer = await apiOf(options.env)("POST", path(did, "/standing"), {
    standing,
    reason: options.reason,
    remedy: options.remedy ?? "",
  });
  out.say(`${did}: ${String(answer["from"])} -> ${String(answer["to"])}`);
  out.result(answer);
  return EXIT.ok;
}

type MemberLine = {
  did: string;
  name: string;
  tier: string;
  standing: string;
  domains: { name: string; status: string }[];
};

export async function memberList(options: Common): Promise<number> {
  const out = outputFor(options);
  const answer = await apiOf(options.env)("GET", "/members");
  for (const { did, tier, standing, domains } of answer["members"] as MemberLine[]) {
    const names = domains
      .map(({ name, status }) => (status === "active" ? name : `${name} (${status})`))
      .join(", ");
    out.say(`${standing.padEnd(10)} ${tier.padEnd(8)} ${did}  ${names}`);
  }
  out.result(answer);
  return EXIT.ok;
}
