import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createSafeFetch } from "./fetch.ts";

let server: Server;
let origin: string;
let reached = 0;

beforeAll(async () => {
  server = createServer((req, res) => {
    reached++;
    if (req.url === "/elsewhere") res.writeHead(302, { location: "/here" }).end();
    else if (req.url === "/large") res.end(Buffer.alloc(5000));
    else if (req.url === "/slow") res.write("a");
    else res.end("here");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

test.each([
  ["a loopback address", () => origin.replace("http:", "https:")],
  ["plain http", () => origin],
  ["a name of this host", () => `https://localhost:${new URL(origin).port}/`],
  ["a private address", () => "https://10.0.0.1/"],
  ["link-local metadata", () => "https://169.254.169.254/latest/"],
  ["IPv6 loopback", () => "https://[::1]/"],
  ["a mapped IPv4 address", () => "https://[::ffff:127.0.0.1]/"],
  ["another scheme", () => "file:///etc/passwd"],
])("refuses %s", async (_, url) => {
  const before = reached;
  const failure = await createSafeFetch()(url()).then(
    () => "went through",
    (err: Error) => `${err.message} ${String(err.cause)}`,
  );
  expect(failure).toMatch(/unicast|not a public domain|forbidden protocol/i);
  expect(reached).toBe(before);
});

test("when allowed, reaches loopback, within size and time", async () => {
  const fetch = createSafeFetch({ allowPrivate: true, maxBytes: 1000, timeoutMs: 300 });
  expect(await (await fetch(`${origin}/here`)).text()).toBe("here");
  await expect(fetch(`${origin}/elsewhere`)).rejects.toThrow();
  await expect(fetch(`${origin}/large`).then((res) => res.arrayBuffer())).rejects.toThrow();
  await expect(fetch(`${origin}/slow`).then((res) => res.arrayBuffer())).rejects.toThrow();
});
