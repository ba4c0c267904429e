import { isWholeSecret } from "../member/index.ts";
import { apiOf } from "./api.ts";
import { createAsk } from "./labeler/ask.ts";
import { credentialLine, memberPath, who, type Common, type CredentialLine, type Decided } from "./member.ts";
import { CommandError, EXIT, outputFor } from "./output.ts";

type Reach = { name?: string; stream?: string[]; hourly?: string; daily?: string };
type Block = { port?: string; starttls?: boolean; from?: string; moderationFrom?: string };

/** A whole number of an option. */
function count(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,7}$/.test(text)) throw new CommandError(`${option} ${text} is not a whole number.`, EXIT.usage);
  return Number(text);
}

function reach(options: Reach) {
  const [hourly, daily] = [count("--hourly", options.hourly), count("--daily", options.daily)];
  return {
    ...(options.name !== undefined && { name: options.name }),
    ...(options.stream && { streams: options.stream }),
    ...(hourly !== undefined && { hourly }),
    ...(daily !== undefined && { daily }),
  };
}

function block({ starttls, port, from, moderationFrom }: Block) {
  const number = count("--port", port);
  return {
    ...(starttls && { starttls }),
    ...(number !== undefined && { port: number }),
    ...(from !== undefined && { from }),
    ...(moderationFrom !== undefined && { moderationFrom }),
  };
}

/** `atmos member credential`: one more, of any reach. */
export async function memberCredential(
  did: string,
  domains: string[],
  options: Common & Reach,
): Promise<number> {
  const out = outputFor(options);
  const answer = await apiOf(options.env)("POST", memberPath(did, "/credentials"), {
    domains,
    ...reach(options),
  });
  out.say(`Credential ${String(answer["id"])}, "${String(answer["name"])}". The secret is shown once.\n`);
  out.say(`user name  ${String(answer["username"])}`);
  out.say(`secret     ${String(answer["secret"])}`);
  out.say("\nFor a PDS's environment file:\n");
  out.say(String(answer["lines"]));
  out.result(answer);
  return EXIT.ok;
}

export async function memberCredentials(did: string, options: Common): Promise<number> {
  const out = outputFor(options);
  const answer = await apiOf(options.env)("GET", memberPath(did, "/credentials"));
  const credentials = answer["credentials"] as CredentialLine[];
  for (const credential of credentials) out.say(credentialLine(credential));
  if (credentials.length === 0) out.say(`None. Make one: atmos member env ${did}`);
  out.result(answer);
  return EXIT.ok;
}

/**
 * `atmos member env`: the block for a PDS, and nothing else on standard output, so that it can be appended to the
 * file. With a fresh credential, or with one whose secret is given on standard input.
 */
export async function memberEnv(
  did: string,
  options: Common & Reach & Block & { domain?: string; credential?: string },
): Promise<number> {
  const out = outputFor(options);
  const api = apiOf(options.env);
  const environment = block(options);
  const answer =
    options.credential === undefined
      ? await api("POST", memberPath(did, "/credentials"), {
          domains: [options.domain ?? (await onlyDomain(api, did))],
          ...reach(options),
          environment,
        })
      : await api(
          "POST",
          memberPath(did, `/credentials/${encodeURIComponent(options.credential)}/environment`),
          {
            secret: await askSecret(),
            ...(options.domain !== undefined && { domain: options.domain }),
            environment,
          },
        );
  out.say(String(answer["lines"]));
  out.result(answer);
  return EXIT.ok;
}

async function onlyDomain(api: ReturnType<typeof apiOf>, did: string): Promise<string> {
  const { domains } = (await api("GET", memberPath(did, ""))) as { domains: { name: string }[] };
  const [first, second] = domains;
  if (!first) throw new CommandError(`${did} has no domain yet. Add one: atmos member domain ${did} DOMAIN`);
  if (second) {
    const names = domains.map((domain) => domain.name).join(", ");
    throw new CommandError(`Name one of its domains with --domain: ${names}.`, EXIT.usage);
  }
  return first.name;
}

async function askSecret(): Promise<string> {
  const secret = await createAsk()({ text: "Secret", variable: "CREDENTIAL_SECRET", secret: true });
  if (secret === undefined)
    throw new CommandError("Give the secret of the credential on standard input.", EXIT.usage);
  if (!isWholeSecret(secret))
    throw new CommandError(
      "That is no whole secret: it begins with atms_, 47 characters follow, and its checksum must match.",
      EXIT.usage,
    );
  return secret;
}

export async function memberRevoke(did: string, id: string, options: Decided): Promise<number> {
  const out = outputFor(options);
  const answer = await apiOf(options.env)(
    "POST",
    memberPath(did, `/credentials/${encodeURIComponent(id)}/revoke`),
    who(options),
  );
  out.say(`Credential ${id} is revoked.`);
  out.result(answer);
  return EXIT.ok;
}
