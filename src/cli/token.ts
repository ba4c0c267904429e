import { apiOf } from "./api.ts";
import { memberPath, who, type Decided } from "./member.ts";
import { CommandError, EXIT, outputFor, plain } from "./output.ts";

type Token = {
  id: string;
  name: string;
  scopes: string[];
  madeBy: string;
  endsAt: string;
  usedAt: string | null;
  revoked: { at: string; by: string } | null;
};
type TokenOptions = Decided & {
  name?: string;
  scope?: string[];
  days?: string;
  list?: boolean;
  revoke?: string;
};

/** Makes a token for programs of a member, lists those there are, or revokes one. */
export async function memberToken(did: string, options: TokenOptions): Promise<number> {
  const out = outputFor(options);
  const api = apiOf(options.env);
  const path = memberPath(did, "/tokens");
  if (options.list) {
    const answer = await api("GET", path);
    const tokens = answer["tokens"] as Token[];
    for (const token of tokens) out.say(lineOf(token));
    if (tokens.length === 0)
      out.say(`${did} has none. Make one: atmos member token ${did} --name monitor --scope read`);
    out.result(answer);
    return EXIT.ok;
  }
  if (options.revoke !== undefined) {
    const id = encodeURIComponent(options.revoke);
    const answer = await api("POST", `${path}/${id}/revoke`, who(options));
    out.say(`${plain(options.revoke)} opens nothing any more.`);
    out.result(answer);
    return EXIT.ok;
  }
  const { name, scope } = options;
  if (name === undefined || scope === undefined)
    throw new CommandError("Say what uses it and what it may do: --name monitor --scope read");
  const answer = await api("POST", path, {
    name,
    scopes: scope,
    ...(options.days !== undefined && { days: Number(options.days) }),
    ...who(options),
  });
  out.say(lineOf(answer["token"] as Token));
  out.say("It is shown this once; programs send it as: Authorization: Bearer TOKEN");
  out.say(String(answer["secret"]));
  out.result(answer);
  return EXIT.ok;
}

function lineOf({ id, name, scopes, madeBy, endsAt, usedAt, revoked }: Token): string {
  const end = revoked
    ? `revoked ${day(revoked.at)} by ${plain(revoked.by)}`
    : `${Date.parse(endsAt) <= Date.now() ? "ended" : "ends"} ${day(endsAt)}`;
  const used = usedAt === null ? "never used" : `last used ${usedAt.slice(0, 16).replace("T", " ")} UTC`;
  return `${id}  ${plain(name)}: ${scopes.join(", ")}; ${used}; ${end}; made by ${plain(madeBy)}`;
}

const day = (at: string) => at.slice(0, 10);
