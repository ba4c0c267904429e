import { Hono } from "hono";
import { describe, expect, test } from "vitest";
import { createRequestGuard, insecure } from "./access.ts";

describe("a request in clear", () => {
  const proxies = new Set(["198.51.100.9"]);
  const ask = async (peer: string, proto: string | undefined, httpsOnly: boolean) => {
    const app = new Hono().get("/", (c) => c.json(insecure(c, proxies, httpsOnly) !== undefined));
    const headers = proto === undefined ? {} : { "x-forwarded-proto": proto };
    const socket = { remoteAddress: peer, remotePort: 1, remoteFamily: "IPv4" };
    return (await app.request("/", { headers }, { incoming: { socket } })).json();
  };

  test.each<[string, string | undefined, boolean, boolean]>([
    ["198.51.100.9", "https", true, false],
    ["::ffff:198.51.100.9", "https", true, false],
    ["198.51.100.9", "http", true, true],
    ["198.51.100.9", "http", false, true],
    ["198.51.100.9", "https, HTTP", true, true],
    ["198.51.100.9", undefined, true, false],
    ["127.0.0.1", undefined, true, false],
    ["::1", "http", true, true],
    ["192.0.2.1", undefined, true, true],
    ["192.0.2.1", "https", true, true],
    ["192.0.2.1", undefined, false, false],
    ["", undefined, true, true],
  ])("from %s, said to be %s, https only: %s -> refused: %s", async (peer, proto, only, refused) => {
    expect(await ask(peer, proto, only)).toBe(refused);
  });
});

test("of an address's requests thirty a minute may be at fault, however long it goes on", () => {
  let now = 0;
  const guard = createRequestGuard(() => now);
  const passed = (address: string, status: number) => {
    let n = 0;
    while (n < 1_000 && !guard.begin(address)) {
      guard.end(address, status);
      n++;
    }
    return n;
  };
  expect(passed("192.0.2.1", 202)).toBe(600);
  expect(passed("192.0.2.2", 429)).toBe(600);
  expect(passed("192.0.2.3", 401)).toBe(30);
  expect(guard.begin("192.0.2.3")).toMatchObject({ reason: "too-many-requests", waitMs: 2_000 });
  let later = 0;
  for (const end = now + 60_000; now < end; now += 100) later += passed("192.0.2.3", 401);
  expect(later).toBeLessThanOrEqual(30);
});
