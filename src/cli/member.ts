import { userInfo } from "node:os";
import { zoneLine } from "../web/index.ts";
import { apiOf } from "./api.ts";
import { changeLines, type ChangeLine } from "./change-lines.ts";
import { CommandError, EXIT, outputFor, plain } from "./output.ts";

export type Common = { env?: string; json?: boolean };
/** Who decides, as it is recorded; by default whoever runs the command. */
export type Decided = Common & { by?: string };
type Records = { name: string; type: string; value: string; purpose: string }[];

/** `/members/DID/...` of the API. */
export const memberPath = (did: string, rest: string) => `/members/${encodeURIComponent(did)}${rest}`;

/** Who decides, for the record. */
export const who = ({ by }: Decided) => ({ by: by ?? userName() });

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // The user of a container may have no name.
    return "operator";
  }
}

export async function memberAdd(
  did: string,
  options: Decided & { name?: string; tier?: string },
): Promise<number> {
  const out = outputFor(options);
  const answer = await apiOf(options.env)("POST", "/members", {
    did,
    name: options.name ?? did,
    ...(options.tier !== undefined && { tier: options.tier }),
    ...who(options),
  });
  out.say(`${did} is a member, tier ${String(answer["tier"])}.`);
  out.say(`Next: atmos member domain ${did} DOMAIN`);
  out.result(answer);
  return EXIT.ok;
}

export async function memberDomain(did: string, domain: string, options: Common): Promise<number> {
  const out = outputFor(options);
  const answer = await apiOf(options.env)("POST", memberPath(did, "/domains"), { domain });
  out.say("Publish these records:");
  out.say(recordLines(answer["records"] as Records));
  out.say(
    "\nThen write the attestation into the member's repository: community.email.attestation, record key",
  );
  out.say(`${String(answer["domain"])}, with these keys:`);
  out.say(JSON.stringify(answer["dkim"], null, 2));
  out.result(answer);
  return EXIT.ok;
}

/** Records as lines of a zone file, each below what it is for. */
export function recordLines(records: Records): string {
  return records
    .map((record) => {
      const { type, value, purpose } = record;
      const line = zoneLine(type === "TXT" ? record : { ...record, value: `${value}.` });
      return `\n  ; ${purpose}\n  ${line}`;
    })
    .join("\n");
}

export async function memberStanding(
  did: string,
  standing: string,
  options: Common & { by: string; why: string; remedy?: string },
): Promise<number> {
  const out = outputFor(options);
  const answer = await apiOf(options.env)("POST", memberPath(did, "/standing"), {
    standing,
    by: options.by,
    why: options.why,
    remedy: options.remedy ?? "",
  });
  out.say(`${did}: ${String(answer["from"])} -> ${String(answer["to"])}, change ${String(answer["change"])}`);
  if (standing !== "good") out.say(wayBackLine(answer["wayBack"] as WayBack));
  out.result(answer);
  return EXIT.ok;
}

type WayBack = { text: string; at: string | null };

const wayBackLine = ({ text, at }: WayBack) =>
  `${plain(text)}${at === null ? "" : ` The date is ${when(at)}.`}`;

export async function memberLeave(did: string, options: Decided & { reason?: string }): Promise<number> {
  const out = outputFor(options);
  const answer = await apiOf(options.env)("POST", memberPath(did, "/leave"), {
    reason: options.reason ?? "left",
    ...who(options),
  });
  out.say(`${did} has left. Its domains are free, its keys destroyed, its credentials revoked.`);
  out.say("It removes the records that it published for the pool from its DNS.");
  out.result(answer);
  return EXIT.ok;
}

type Stays = { what: string; why: string; howLong: string };

/** `atmos member delete`: what need not stay of a member that has left. */
export async function memberDelete(did: string, options: Decided & { yes?: boolean }): Promise<number> {
  const out = outputFor(options);
  if (!options.yes)
    throw new CommandError(
      `Nothing brings it back. An export first: atmos member export ${did} --out FILE. Then run this again with --yes.`,
      EXIT.usage,
    );
  const answer = await apiOf(options.env)("POST", memberPath(did, "/delete"), who(options));
  out.say(`What was kept of ${did} is deleted. What stays:`);
  for (const { what, why, howLong } of answer["stays"] as Stays[])
    out.say(`  ${what}: ${why} Until: ${howLong}.`);
  out.result(answer);
  return EXIT.ok;
}

export async function memberPause(
  did: string,
  options: Decided & { credential?: string; reason: string },
): Promise<number> {
  const out = outputFor(options);
  const answer = await apiOf(options.env)("POST", memberPath(did, "/pause"), {
    credential: options.credential ?? null,
    reason: options.reason,
    ...who(options),
  });
  out.say(`${options.credential ?? did} is paused: nothing leaves, what is submitted waits.`);
  out.result(answer);
  return EXIT.ok;
}

export async function memberResume(
  did: string,
  options: Decided & { credential?: string; reason: string },
): Promise<number> {
  const out = outputFor(options);
  const answer = await apiOf(options.env)("POST", memberPath(did, "/resume"), {
    credential: options.credential ?? null,
    reason: options.reason,
    ...who(options),
  });
  const ended = (answer["ended"] as unknown[]).length;
  out.say(`${options.credential ?? did}: ${ended === 1 ? "the pause has" : `${ended} pauses have`} ended.`);
  out.say("What they held leaves, unless something else holds it: a standing, a domain, another pause.");
  out.result(answer);
  return EXIT.ok;
}

type Bounces = { to: "sender" } | { to: "nobody" } | { to: "address"; address: string };

/** Where a member is told what became of its mail, in a sentence. */
function bouncesLine(bounces: Bounces): string {
  const page = "its page has them in any case";
  if (bounces.to === "address") return `notices about its mail go to ${plain(bounces.address)}; ${page}`;
  return bounces.to === "sender"
    ? `notices about its mail go to the sender of each message; ${page}`
    : `notices about its mail are not mailed; ${page}`;
}

/** Shows where a member is told what became of its mail, or changes it. */
export async function memberBounces(
  did: string,
  options: Decided & { to?: string; sender?: boolean; none?: boolean },
): Promise<number> {
  const out = outputFor(options);
  const { to, sender, none } = options;
  const choice =
    to !== undefined
      ? { to: "address", address: to }
      : sender
        ? { to: "sender" }
        : none
          ? { to: "nobody" }
          : undefined;
  const api = apiOf(options.env);
  const answer = choice
    ? await api("POST", memberPath(did, "/bounces"), { ...choice, ...who(options) })
    : await api("GET", memberPath(did, ""));
  out.say(`${did}: ${bouncesLine(answer["bounces"] as Bounces)}.`);
  out.result({ bounces: answer["bounces"] });
  return EXIT.ok;
}

/** Shows where replies to its return paths are sent on to, or changes it. */
export async function memberReplies(
  did: string,
  options: Decided & { to?: string; none?: boolean },
): Promise<number> {
  const out = outputFor(options);
  const choice = options.to ?? (options.none ? null : undefined);
  const api = apiOf(options.env);
  const answer =
    choice === undefined
      ? await api("GET", memberPath(did, ""))
      : await api("POST", memberPath(did, "/replies"), { to: choice, ...who(options) });
  const to = answer["replies"] as string | null;
  out.say(
    to === null
      ? `${did}: replies to its return paths are refused.`
      : `${did}: replies to its return paths are sent on to ${plain(to)}.`,
  );
  out.result({ replies: to });
  return EXIT.ok;
}

type MemberLine = {
  did: string;
  tier: string;
  membership: string;
  standing: string;
  paused: boolean;
  domains: { name: string; status: string }[];
};

/** Where a member stands, in one word, the gravest: membership, an end of sending, a pause, standing. */
export function stateOf({
  membership,
  standing,
  paused,
}: Omit<MemberLine, "did" | "tier" | "domains">): string {
  if (membership !== "member") return membership;
  return paused && standing !== "suspended" && standing !== "ejected" ? "paused" : standing;
}

export async function memberList(options: Common): Promise<number> {
  const out = outputFor(options);
  const answer = await apiOf(options.env)("GET", "/members");
  for (const member of answer["members"] as MemberLine[]) {
    const names = member.domains
      .map(({ name, status }) => (status === "active" ? name : `${name} (${status})`))
      .join(", ");
    out.say(`${stateOf(member).padEnd(10)} ${member.tier.padEnd(8)} ${member.did}  ${names}`);
  }
  out.result(answer);
  return EXIT.ok;
}

type Pause = {
  cause: string;
  credential: string | null;
  at: string;
  by: string | null;
  reason: string;
  mail: { at: string; to: string | null; state: string; reply: string } | null;
  end: { at: string; by: string; how: string; reason: string } | null;
};

/** What became of the mail that told the member. */
function mailLine({ at, to, state, reply }: NonNullable<Pause["mail"]>): string {
  if (state === "no-contact") return "not told by mail: the application gives no mail address";
  if (state === "too-many") return "not told by mail: it got its share of such mails before";
  return `told by mail ${when(at)}, to ${to}: ${state}${reply === "" ? "" : ` (${reply})`}`;
}

/** What the cooperative knows of a member, with what it applied with. */
export async function memberShow(did: string, options: Common): Promise<number> {
  const out = outputFor(options);
  const answer = await apiOf(options.env)("GET", memberPath(did, ""));
  const view = answer as unknown as MemberLine & {
    name: string;
    wayBack: WayBack | null;
    changes: ChangeLine[];
    applications: Application[];
    credentials: CredentialLine[];
    pauses: Pause[];
    bounces: Bounces;
  };
  out.say(`${plain(view.name)}  ${did}`);
  out.say(`${view.membership}, standing ${view.standing}, tier ${view.tier}`);
  if (view.wayBack) out.say(wayBackLine(view.wayBack));
  for (const change of view.changes) for (const line of changeLines(change)) out.say(plain(line));
  for (const { name, status } of view.domains) out.say(`domain ${name}, ${status}`);
  out.say(bouncesLine(view.bounces));
  for (const credential of view.credentials) out.say(`credential ${credentialLine(credential)}`);
  for (const pause of view.pauses) {
    const what = pause.credential === null ? "paused" : `credential ${pause.credential} paused`;
    out.say(`${what} ${when(pause.at)} by ${plain(pause.by ?? "the breaker")}: ${plain(pause.cause)}`);
    if (pause.reason !== "") out.say(`  ${plain(pause.reason)}`);
    if (pause.mail) out.say(`  ${plain(mailLine(pause.mail))}`);
    if (pause.end) out.say(`  ended ${when(pause.end.at)} by ${plain(pause.end.by)} (${pause.end.how})`);
  }
  for (const application of view.applications) out.say(`\n${applicationLines(application)}`);
  out.result(answer);
  return EXIT.ok;
}

export type Application = {
  did: string;
  name: string;
  contact: string;
  domains: string[];
  daily: number | null;
  purpose: string;
  pds: string;
  words: string;
  appliedAt: string;
  appliedBy: string;
  state: string;
  /** Members who speak for it, while it is open. */
  vouches?: { name: string; by: string; words: string; at: string }[];
  decision: { at: string; by: string; tier: string | null; note: string } | null;
};

const when = (at: string) => `${at.slice(0, 16).replace("T", " ")} UTC`;

/** An application with its decision; what is empty is left out. */
export function applicationLines(application: Application): string {
  const { did, name, appliedAt, appliedBy, state: stands, decision } = application;
  const said: [string, string][] = [
    ["contact", application.contact],
    ["domains", application.domains.join(", ")],
    ["expects", application.daily === null ? "" : `${application.daily} messages a day`],
    ["sends", application.purpose],
    ["PDS", application.pds],
    ["says", application.words],
  ];
  const lines = [`${stands.padEnd(9)} ${plain(name)}  ${did}`];
  lines.push(`  applied ${when(appliedAt)} (entered by ${plain(appliedBy)})`);
  for (const [key, value] of said) if (value !== "") lines.push(`  ${key.padEnd(8)} ${plain(value)}`);
  for (const { name: who, by, words, at } of application.vouches ?? [])
    lines.push(`  vouched ${when(at)} by ${plain(who)} (${by})${words === "" ? "" : `: ${plain(words)}`}`);
  if (decision) {
    const tier = decision.tier === null ? "" : `, tier ${decision.tier}`;
    lines.push(`  ${stands} ${when(decision.at)} by ${plain(decision.by)}${tier}`);
    if (decision.note !== "") lines.push(`  ${plain(decision.note)}`);
  }
  return lines.join("\n");
}

export type CredentialLine = {
  id: string;
  name: string;
  username: string;
  domains: string[];
  streams: string[];
  hourly: number | null;
  daily: number | null;
  lastUsed: { at: string; address: string } | null;
  revoked: { at: string; by: string } | null;
};

export function credentialLine(one: CredentialLine): string {
  const caps = [
    one.hourly === null ? "" : `${one.hourly} an hour`,
    one.daily === null ? "" : `${one.daily} a day`,
  ].filter((cap) => cap !== "");
  const used = one.lastUsed
    ? `last used ${when(one.lastUsed.at)} from ${plain(one.lastUsed.address)}`
    : "never used";
  const parts = [
    `${one.id}  "${plain(one.name)}"  ${one.username}`,
    one.domains.join(", "),
    one.streams.join(" and "),
    ...(caps.length > 0 ? [`at most ${caps.join(", ")}`] : []),
    used,
    ...(one.revoked ? [`revoked ${one.revoked.at.slice(0, 10)} by ${plain(one.revoked.by)}`] : []),
  ];
  return parts.join("; ");
}
