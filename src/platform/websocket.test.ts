import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { expect, test } from "vitest";
import { createSafeWebSocket } from "./websocket.ts";

test.each([
  ["clear text", "ws://stream.example.com/"],
  ["loopback", "wss://127.0.0.1/"],
  ["loopback in IPv6", "wss://[::1]/"],
  ["a private address", "wss://10.0.0.1/"],
  ["a link-local address", "wss://169.254.169.254/"],
])("%s is refused before a connection is made", (_, url) => {
  expect(() => createSafeWebSocket()(new URL(url))).toThrow(/refused|not wss/);
});

test("a name that resolves to this host is refused when the connection is made", async () => {
  let connections = 0;
  const server = createServer(() => connections++).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const socket = createSafeWebSocket()(new URL(`wss://localhost:${port}/`));
  const [error] = (await once(socket, "error")) as [Error];
  expect(error.message).toMatch(/not a public domain|non-unicast/);
  expect(connections).toBe(0);
  server.close();
});
