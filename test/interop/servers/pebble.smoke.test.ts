import { X509Certificate } from "node:crypto";
import { createServer } from "node:http";
import { expect, test } from "vitest";
import { systemClock } from "../../../src/lib/clock.ts";
import { listenForChallenges } from "../../../src/platform/acme/challenge.ts";
import { orderCertificate, type OrderOptions } from "../../../src/platform/acme/order.ts";
import type { Account } from "../../../src/platform/acme/store.ts";
import { readFile } from "node:fs/promises";
import { startPebble, type Pebble } from "./pebble.ts";

const names = ["relay.coop.test", "mx.coop.test"];

/** Our own client, one order at a time; what it keeps of its account and says on the way. */
async function orders(pebble: Pebble, challenges: OrderOptions["challenges"]) {
  const kept: Account[] = [];
  const steps: string[] = [];
  const ca = await readFile(pebble.caFile, "utf8");
  const order = (change: Partial<OrderOptions> = {}) =>
    orderCertificate({
      directory: pebble.directory,
      names,
      ca,
      account: kept.at(-1),
      challenges,
      clock: systemClock,
      signal: new AbortController().signal,
      keepAccount: async (account) => void kept.push(account),
      progress: (step) => steps.push(step),
      ...change,
    });
  return { order, kept, steps };
}

test("pebble issues for names whose challenges it saw, though it refuses every third nonce", async () => {
  const challenges = await listenForChallenges({ host: "127.0.0.1", port: 0 });
  await using pebble = await startPebble({
    httpPort: challenges.address.port,
    lifeSeconds: 3600,
    nonceReject: 30,
  });
  for (const name of names) pebble.dns.set({ name, type: "A", data: "127.0.0.1" });
  const { order, kept, steps } = await orders(pebble, challenges);

  const first = await order();
  const leaf = new X509Certificate(first.cert);
  expect(leaf.subjectAltName).toBe("DNS:relay.coop.test, DNS:mx.coop.test");
  expect(leaf.validToDate.getTime() - leaf.validFromDate.getTime()).toBeCloseTo(3_600_000, -4);
  expect(kept).toHaveLength(2);
  expect(kept[0]!.url).toBeUndefined();
  expect(kept[1]!.url).toMatch(/^https:/);
  expect(steps[0]).toMatch(/registering/);

  const second = await order();
  expect(second.key).not.toBe(first.key);
  expect(kept, "the account is used again").toHaveLength(2);

  const gone = { ...kept[1]!, url: `${kept[1]!.url}0` };
  await order({ account: gone });
  expect(steps.join()).toContain("does not know our account");
  await challenges.close();
});

test("what it refuses is said in words", async () => {
  const other = createServer((_, response) => response.end("not what you look for"));
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.2", resolve));
  const challenges = await listenForChallenges({
    host: "127.0.0.1",
    port: (other.address() as { port: number }).port,
  });
  await using pebble = await startPebble({ httpPort: challenges.address.port });
  const { order } = await orders(pebble, challenges);
  const only = (address: string | undefined) => {
    pebble.dns.remove("relay.coop.test");
    if (address !== undefined) pebble.dns.set({ name: "relay.coop.test", type: "A", data: address });
    return order({ names: ["relay.coop.test"] });
  };
  await expect(only(undefined)).rejects.toThrow(/relay\.coop\.test/);
  await expect(only("127.0.0.3")).rejects.toThrow(/port 80.*refused/);
  await expect(only("127.0.0.2")).rejects.toThrow(/did not get our answer/);
  await expect(order({ ca: undefined })).rejects.toThrow(/ATMOS_ACME_CA_FILE/);
  await expect(order({ directory: "https://127.0.0.1:1/dir" })).rejects.toThrow(/nothing listens/);
  await expect(order({ directory: `${pebble.directory}ectory` })).rejects.toThrow(/ATMOS_ACME_DIRECTORY/);
  await challenges.close();
  await new Promise((resolve) => other.close(resolve));
});

test("an authority whose nonces are all refused, and one that wants to know its customer", async () => {
  const challenges = await listenForChallenges({ host: "127.0.0.1", port: 0 });
  const httpPort = challenges.address.port;
  {
    await using pebble = await startPebble({ httpPort, nonceReject: 100 });
    const { order } = await orders(pebble, challenges);
    await expect(order()).rejects.toThrow(/one nonce after the other/);
  }
  const binding = { kid: "kid-1", key: "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W" };
  await using pebble = await startPebble({ httpPort, binding });
  for (const name of names) pebble.dns.set({ name, type: "A", data: "127.0.0.1" });
  const { order } = await orders(pebble, challenges);
  await expect(order()).rejects.toThrow(/ATMOS_ACME_EAB_KID/);
  const issued = await order({ binding: { kid: binding.kid, hmacKey: binding.key } });
  expect(issued.cert).toContain("BEGIN CERTIFICATE");
  await challenges.close();
});
