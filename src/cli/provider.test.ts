import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createSafeFetch } from "../platform/fetch.ts";
import { oauthClient } from "../provider-data/index.ts";
import type { Api } from "./api.ts";
import { providerConnect } from "./provider-connect.ts";
import { sayLooked } from "./provider.ts";

let server: Server;
let endpoints: { authorizeUrl: string; tokenUrl: string };
let redeemed: URLSearchParams[] = [];
let said = "";
let dir: string;
const sent: unknown[] = [];
const api: Api = async (_, path, body) => {
  sent.push([path, body]);
  return {
    looked: { ok: true, changed: 3, faults: [] },
    subjects: [{ kind: "domain", subject: "a.example" }],
  };
};

beforeEach(async () => {
  sent.length = 0;
  said = "";
  dir = mkdtempSync(join(tmpdir(), "atmos-provider-"));
  vi.spyOn(process.stdout, "write").mockReturnValue(true);
  redeemed = [];
  server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += String(chunk);
    redeemed.push(new URLSearchParams(body));
    response.writeHead(200, { "content-type": "application/json" });
    const tokens = { access_token: "a", token_type: "Bearer", expires_in: 3600, refresh_token: "refresh" };
    response.end(JSON.stringify(tokens));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  endpoints = { authorizeUrl: `${origin}/authorize`, tokenUrl: `${origin}/token` };
});
afterEach(async () => {
  vi.restoreAllMocks();
  rmSync(dir, { recursive: true });
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

/** As a browser in which somebody agrees, as soon as the address is printed. */
function browser(answer: (state: string) => string): void {
  vi.spyOn(process.stderr, "write").mockImplementation((chunk) => {
    said += String(chunk);
    const url = /^http.*\/authorize\?.*$/m.exec(String(chunk))?.[0];
    if (url !== undefined) {
      const asked = new URL(url).searchParams;
      const back = new URL(asked.get("redirect_uri")!);
      // No state, no login: somebody else's request to the same port changes nothing.
      void fetch(new URL("/favicon.ico", back)).then(() =>
        fetch(`${back.href}?${answer(asked.get("state")!)}`),
      );
    }
    return true;
  });
}

const connect = (provider: "gmail" | "microsoft") =>
  providerConnect(
    provider,
    { port: "0", by: "rosa" },
    {
      api,
      fetch: createSafeFetch({ allowPrivate: true }),
      client: oauthClient(provider, { clientId: "id" }, endpoints),
    },
  );

test.each(["gmail", "microsoft"] as const)(
  "%s: the browser comes back, and the server gets the login",
  async (provider) => {
    browser((state) => `code=c0de&state=${state}`);
    expect(await connect(provider)).toBe(0);
    expect(sent).toEqual([
      [
        "/provider/connect",
        { provider, by: "rosa", grant: { clientId: "id", clientSecret: undefined, refreshToken: "refresh" } },
      ],
    ]);
    expect(said).toMatch(provider === "gmail" ? /postmaster\.google\.com/ : /ip-domain-management-snds/);
    expect(said).not.toMatch(/refresh/);
    expect(redeemed[0]!.get("redirect_uri")).toMatch(
      provider === "gmail" ? /^http:\/\/127\.0\.0\.1:\d+\/$/ : /^http:\/\/localhost:\d+$/,
    );
  },
);

test("who does not agree is told so, and nothing is stored", async () => {
  browser((state) => `error=access_denied&state=${state}`);
  await expect(connect("gmail")).rejects.toThrow(/not agreed/);
  expect(sent).toEqual([]);
});

test("a report link is stored instead of a login, and is not an argument", async () => {
  browser(() => "");
  const link = "https://portal.example/SNDS/DataKey?key=k";
  const options = { port: "0", by: "rosa", link: true };
  expect(await providerConnect("microsoft", options, { api, ask: async () => link })).toBe(0);
  expect(sent).toEqual([["/provider/connect", { provider: "microsoft", link, by: "rosa" }]]);
  await expect(providerConnect("gmail", options, { api })).rejects.toThrow(/leave out --link/);
});

test.each([
  ["no file", undefined, /--client FILE/],
  ["no JSON", "{", /no JSON/],
  ["a client of another type", '{"web":{"client_id":"x"}}', /Desktop app/],
])("Gmail's client, %s: says what to do", async (_, text, why) => {
  browser(() => "");
  const file = join(dir, "client.json");
  if (text !== undefined) writeFileSync(file, text);
  const options = { port: "0", by: "rosa", ...(text !== undefined && { client: file }) };
  await expect(providerConnect("gmail", options, { api })).rejects.toThrow(why);
});

test.each([
  ["all came", { ok: true, changed: 1, faults: [] }, 0, /1 days/],
  ["not all came", { ok: true, changed: 1, faults: ["b.example: 500"] }, 1, /b\.example/],
  ["broken", { ok: false, broken: true, why: "invalid_grant" }, 1, /atmos provider connect gmail/],
  ["for now nothing", { ok: false, broken: false, why: "503" }, 1, /by itself/],
])("%s: exit code and words", (_, looked, code, words) => {
  const lines: string[] = [];
  expect(sayLooked((line) => lines.push(line), { looked, subjects: [] }, "gmail")).toBe(code);
  expect(lines.join("\n")).toMatch(words);
});
