import { parseConfig, readEnvironment, type Config, type Secrets } from "../platform/config/index.ts";
import { sessionKeyOf } from "../roles/index.ts";
import { createToken } from "../web/index.ts";
import { CommandError } from "./output.ts";

const TOKEN_LIFE_MS = 60_000;
const TIMEOUT_MS = 30_000;

export type Api = (method: "GET" | "POST", path: string, body?: unknown) => Promise<Record<string, unknown>>;

/** Where the `atmos serve` of this configuration is reached from the same host. */
export function originOf({ HTTP_ADDRESS: { host, port } }: Config): string {
  if (host === "::" || host === "0.0.0.0") return `http://${host === "::" ? "[::1]" : "127.0.0.1"}:${port}`;
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** Speaks to the `atmos serve` of the same environment file, as the committee. */
export function apiOf(env: string | undefined): Api {
  return apiWith(parseConfig(readEnvironment(env)));
}

export function apiWith({ config, secrets }: { config: Config; secrets: Secrets }): Api {
  const key = sessionKeyOf(secrets);
  if (!key)
    throw new CommandError(
      "This needs ATMOS_CORE_SECRET: name the environment file of the core role with --env FILE.",
    );
  const origin = originOf(config);
  return async (method, path, body) => {
    const token = createToken(key, "api", { role: "committee" }, Date.now() + TOKEN_LIFE_MS);
    let response: Response;
    try {
      response = await fetch(`${origin}/api${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
    } catch (error) {
      if ((error as Error).name === "TimeoutError")
        throw new CommandError(
          `${origin} did not answer within ${TIMEOUT_MS / 1000} seconds. What was asked may have been done all the same: look before you ask again.`,
        );
      throw new CommandError(`${origin} does not answer. Start it with: atmos serve`);
    }
    const answer = (await response.json().catch(() => ({}))) as Record<string, unknown>;
    if (!response.ok)
      throw new CommandError(String(answer["message"] ?? `The server answered ${response.status}`));
    return answer;
  };
}
