import type { ReadableStream as WebStream } from "node:stream/web";
import { parseConfig, readEnvironment, type Config, type Secrets } from "../platform/config/index.ts";
import { nodeSessionKey, sessionKeyOf } from "../roles/index.ts";
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

export function apiWith(settings: { config: Config; secrets: Secrets }): Api {
  const ask = asker(settings);
  return async (method, path, body) => {
    const response = await ask(method, path, body, AbortSignal.timeout(TIMEOUT_MS));
    return answerOf(response.ok, response.status, (await response.json().catch(() => ({}))) as Answer);
  };
}

/** A file that the server makes while it is read: no bound of time but that of silence, which the reader sees as an end. */
export function downloadOf(env: string | undefined) {
  const ask = asker(parseConfig(readEnvironment(env)));
  return async (path: string): Promise<WebStream> => {
    const begun = new AbortController();
    const timer = setTimeout(() => begun.abort(new DOMException("silent", "TimeoutError")), TIMEOUT_MS);
    const response = await ask("GET", path, undefined, begun.signal).finally(() => clearTimeout(timer));
    if (!response.ok || !response.body)
      answerOf(false, response.status, (await response.json().catch(() => ({}))) as Answer);
    return response.body as WebStream;
  };
}

/** For what takes long: `heard` is told how far it is; the last line is the answer. Silence ends it, not time. */
export function longApiOf(env: string | undefined, silenceMs = TIMEOUT_MS) {
  const ask = asker(parseConfig(readEnvironment(env)));
  return async (path: string, body: unknown, heard: (line: Answer) => void): Promise<Answer> => {
    const silence = new AbortController();
    const end = () => silence.abort(new DOMException("silent", "TimeoutError"));
    let timer = setTimeout(end, silenceMs);
    try {
      const response = await ask("POST", path, body, silence.signal, { accept: "application/x-ndjson" });
      let last: Answer = {};
      let rest = "";
      for await (const text of response.body!.pipeThrough(new TextDecoderStream())) {
        clearTimeout(timer);
        timer = setTimeout(end, silenceMs);
        const lines = (rest + text).split("\n");
        rest = lines.pop()!;
        for (const line of lines) heard((last = JSON.parse(line) as Answer));
      }
      if (rest.trim() !== "") last = JSON.parse(rest) as Answer;
      if ("lookedAt" in last) throw new CommandError(CUT_OFF);
      return answerOf(response.ok && !("error" in last), response.status, last);
    } catch (error) {
      if (error instanceof CommandError) throw error;
      throw new CommandError(CUT_OFF);
    } finally {
      clearTimeout(timer);
    }
  };
}

type Answer = Record<string, unknown>;
const CUT_OFF =
  "The connection ended, or nothing was heard for too long, before all was done. Do the same again: it takes up where it was.";

function answerOf(ok: boolean, status: number, answer: Answer): Answer {
  if (ok) return answer;
  throw new CommandError(String(answer["message"] ?? `The server answered ${status}`));
}

/** Commands prove that they may read what `atmos serve` may: core's secret, or a node's own key. */
async function keyOf({ config, secrets }: { config: Config; secrets: Secrets }): Promise<Uint8Array> {
  const core = sessionKeyOf(secrets);
  if (core) return core;
  if (!config.ROLES.includes("relay"))
    throw new CommandError(
      "This needs ATMOS_CORE_SECRET: name the environment file of the core role with --env FILE.",
    );
  const node = await nodeSessionKey(config);
  if (node) return node;
  throw new CommandError(`There is no node.key in ${config.DATA_DIR}: start \`atmos serve\` here once.`);
}

function asker(settings: { config: Config; secrets: Secrets }) {
  const origin = originOf(settings.config);
  return async (
    method: string,
    path: string,
    body: unknown,
    signal: AbortSignal,
    headers: Record<string, string> = {},
  ): Promise<Response> => {
    const token = createToken(
      await keyOf(settings),
      "api",
      { role: "committee" },
      Date.now() + TOKEN_LIFE_MS,
    );
    try {
      return await fetch(`${origin}/api${path}`, {
        method,
        headers: { ...headers, authorization: `Bearer ${token}`, "content-type": "application/json" },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        signal,
      });
    } catch (error) {
      if ((error as Error).name === "TimeoutError")
        throw new CommandError(
          `${origin} did not answer within ${TIMEOUT_MS / 1000} seconds. What was asked may have been done all the same: look before you ask again.`,
        );
      throw new CommandError(`${origin} does not answer. Start it with: atmos serve`);
    }
  };
}
