import { afterEach, expect, test } from "vitest";
import { listenForChallenges, type ChallengeListener } from "./challenge.ts";

let listener: ChallengeListener | undefined;
afterEach(async () => {
  await listener?.close();
  listener = undefined;
});

test("a token is answered while it is offered, and nothing else ever", async () => {
  listener = await listenForChallenges({ host: "127.0.0.1", port: 0 });
  const { host, port } = listener.address;
  const ask = async (path: string, method = "GET") => {
    const response = await fetch(`http://${host}:${port}${path}`, { method });
    return [response.status, await response.text()];
  };
  const path = "/.well-known/acme-challenge/token-1";
  expect((await ask(path))[0]).toBe(404);
  listener.offer("token-1", "token-1.thumbprint");
  expect(await ask(path)).toEqual([200, "token-1.thumbprint"]);
  expect(await ask(`${path}?x=1`)).toEqual([200, "token-1.thumbprint"]);
  expect((await ask(path, "POST"))[0]).toBe(404);
  expect((await ask("/.well-known/acme-challenge/token-2"))[0]).toBe(404);
  expect((await ask("/.well-known/acme-challenge/"))[0]).toBe(404);
  expect((await ask("/token-1"))[0]).toBe(404);
  listener.withdraw("token-1");
  expect((await ask(path))[0]).toBe(404);
});

test("a port that is taken is an error at the start", async () => {
  listener = await listenForChallenges({ host: "127.0.0.1", port: 0 });
  await expect(listenForChallenges(listener.address)).rejects.toThrow(/EADDRINUSE/);
});
