import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { z } from "zod";
import { createSafeFetch } from "../platform/fetch.ts";
import {
  beginAuthorization,
  finishAuthorization,
  oauthClient,
  SNDS_CLIENT_ID,
  type ConnectedProvider,
  type OAuthClient,
} from "../provider-data/index.ts";
import { apiOf, type Api } from "./api.ts";
import { createAsk, type Ask } from "./labeler/ask.ts";
import { CommandError, EXIT, outputFor, plain, readOption } from "./output.ts";
import { sayLooked } from "./provider.ts";

export type ConnectOptions = {
  client?: string;
  clientId?: string;
  link?: boolean;
  port: string;
  by?: string;
  env?: string;
  json?: boolean;
};

const WAIT_MS = 10 * 60_000;

const GUIDE: Record<ConnectedProvider, string[]> = {
  gmail: [
    "Gmail Postmaster Tools",
    "",
    "1. At https://postmaster.google.com add each domain that signs mail, the pool's too, and verify it by the TXT record shown there.",
    "2. At https://console.cloud.google.com make a project and enable the Gmail Postmaster Tools API.",
    "3. Under Google Auth Platform: audience External, and publish it (In production). While it is in testing a login lasts 7 days.",
    "4. Under Clients make one of type Desktop app and download its JSON file: that is --client FILE.",
    "5. Log in below with the account of step 1. It is asked for one right: to read traffic figures (postmaster.traffic.readonly).",
  ],
  microsoft: [
    "Microsoft SNDS",
    "",
    "1. At https://substrate.office.com/ip-domain-management-snds/snds ask for access to the addresses that mail leaves from.",
    "   Microsoft writes to postmaster@ or abuse@ of whoever holds the network, and wants it confirmed anew about every ten months.",
    "2. Log in below with the personal Microsoft account of step 1. Nothing needs to be registered: it is the portal's own client.",
    "   If that is refused, make a report link in the portal and use --link. Such a link ends after 30 days.",
  ],
};

/** Guides through the login, and hands what came of it to the running server, which keeps it sealed. */
export async function providerConnect(
  provider: ConnectedProvider,
  options: ConnectOptions,
  given: { api?: Api; ask?: Ask; fetch?: ReturnType<typeof createSafeFetch>; client?: OAuthClient } = {},
): Promise<number> {
  const out = outputFor(options);
  const say = (line = "") => process.stderr.write(`${plain(line)}\n`);
  const api = given.api ?? apiOf(options.env);
  const ask = given.ask ?? createAsk();
  for (const line of GUIDE[provider]) say(line);
  say();
  const by = options.by;
  let body: object;
  if (options.link) {
    if (provider !== "microsoft")
      throw new CommandError("Only Microsoft has report links: leave out --link.", EXIT.usage);
    const link = await ask({ text: "Report link", variable: "SNDS_LINK", secret: true });
    if (!link) throw new CommandError("No link was given.", EXIT.usage);
    body = { provider, link, by };
  } else {
    const client = given.client ?? oauthClient(provider, clientOf(provider, options));
    const grant = await login(client, provider, options, { say, fetch: given.fetch ?? createSafeFetch() });
    body = { provider, grant, by };
  }
  const answer = await api("POST", "/provider/connect", body);
  const { ok, broken } = answer["looked"] as { ok: boolean; broken?: boolean };
  out.say(
    !ok && broken
      ? `${provider} refused this login: nothing is stored, and an earlier one stays as it was.`
      : `The login to ${provider} is stored, sealed. It was used at once:`,
  );
  const code = sayLooked(out.say, answer, provider);
  out.result(answer);
  return code;
}

const installed = z.object({
  installed: z.object({ client_id: z.string().min(1), client_secret: z.string().min(1).optional() }),
});

function clientOf(provider: ConnectedProvider, { client, clientId }: ConnectOptions) {
  if (provider === "microsoft") return { clientId: clientId ?? SNDS_CLIENT_ID };
  if (!client)
    throw new CommandError("Name the file of step 4: atmos provider connect gmail --client FILE", EXIT.usage);
  let read: ReturnType<typeof installed.safeParse>;
  try {
    read = installed.safeParse(JSON.parse(readOption("--client", client)));
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError(`${client} is no JSON: download it again at step 4.`, EXIT.usage);
  }
  if (!read.success)
    throw new CommandError(`${client} is not of a client of type "Desktop app": see step 4.`, EXIT.usage);
  const { client_id, client_secret } = read.data.installed;
  return { clientId: client_id, clientSecret: client_secret };
}

async function login(
  client: OAuthClient,
  provider: ConnectedProvider,
  { port }: ConnectOptions,
  { say, fetch }: { say: (line?: string) => void; fetch: ReturnType<typeof createSafeFetch> },
) {
  const back = await openRedirect(Number(port));
  try {
    // Microsoft knows only the name; RFC 8252 section 7.3 prefers the address, which is what listens.
    const redirectUri = `http://${provider === "microsoft" ? "localhost" : "127.0.0.1"}:${back.port}${provider === "microsoft" ? "" : "/"}`;
    const begun = await beginAuthorization(client, redirectUri);
    say("Open this in a browser:");
    say();
    say(begun.url);
    say();
    say(
      "It comes back to this machine by itself. If the browser is on another one, the last page does not load: copy its address here, and press Enter.",
    );
    const callback = await Promise.race([back.callback, pasted(back.signal), timeout(back.signal)]);
    if (!callback) throw new CommandError("Nothing came back within ten minutes. Begin again.");
    const grant = await finishAuthorization(client, fetch, begun, redirectUri, callback);
    if (!grant.ok) throw new CommandError(`The login did not work: ${plain(grant.why)}`);
    return grant.value;
  } finally {
    back.close();
  }
}

/** Takes the one redirect that has a state, on loopback. */
async function openRedirect(port: number) {
  const stop = new AbortController();
  const come = Promise.withResolvers<URL>();
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://127.0.0.1");
    if (request.method !== "GET" || !url.searchParams.has("state")) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { "content-type": "text/plain; charset=utf-8", connection: "close" });
    response.end("This page has done its work. Go back to the terminal.\n");
    come.resolve(url);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    callback: come.promise,
    signal: stop.signal,
    close() {
      stop.abort();
      server.close();
      server.closeAllConnections();
    },
  };
}

/** The first line that is an address with a state. Never settles when there is none. */
function pasted(signal: AbortSignal): Promise<URL> {
  return new Promise((resolve) => {
    let text = "";
    const take = (chunk: Buffer) => {
      text = `${text}${chunk.toString("utf8")}`.slice(-20_000);
      const url = URL.parse(text.split("\n").find((line) => line.includes("state=")) ?? "");
      if (text.includes("\n") && url) resolve(url);
    };
    process.stdin.on("data", take);
    signal.addEventListener("abort", () => {
      process.stdin.off("data", take);
      process.stdin.pause();
    });
  });
}

function timeout(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(undefined), WAIT_MS);
    signal.addEventListener("abort", () => clearTimeout(timer));
  });
}
