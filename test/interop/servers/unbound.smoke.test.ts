import { Resolver } from "node:dns/promises";
import { expect, test } from "vitest";
import { startDns } from "./dns.ts";
import { complete } from "./process.ts";
import { startUnbound } from "./unbound.ts";

test("unbound answers from the test's own zone, over UDP and TCP, and refuses the world", async () => {
  await using dns = await startDns([
    { name: "mail.member.test", type: "A", data: "127.0.0.9" },
    { name: "long.member.test", type: "TXT", data: Array.from({ length: 12 }, () => "k".repeat(200)) },
  ]);
  await using unbound = await startUnbound({ dns });
  const resolver = new Resolver();
  resolver.setServers([`${unbound.host}:${unbound.port}`]);

  expect(await resolver.resolve4("mail.member.test")).toEqual(["127.0.0.9"]);
  expect((await resolver.resolveTxt("long.member.test"))[0]?.join("")).toHaveLength(2400);
  await expect(resolver.resolve4("absent.member.test")).rejects.toMatchObject({ code: "ENOTFOUND" });
  await expect(resolver.resolveTxt("member.test")).rejects.toMatchObject({ code: "ENODATA" });
  await expect(resolver.resolve4("example.com")).rejects.toMatchObject({ code: "EREFUSED" });

  dns.set({ name: "mail.member.test", type: "A", data: "127.0.0.10" });
  expect(await resolver.resolve4("mail.member.test")).toEqual(["127.0.0.10"]);
});

test("unbound serves port 53 of a loopback address, for programs that know no other", async () => {
  await using dns = await startDns([{ name: "a.test", type: "TXT", data: "here" }]);
  await using unbound = await startUnbound({ dns, host: "127.0.0.153", port: 53 });
  const { stdout } = await complete("dig", [`@${unbound.host}`, "+short", "a.test", "TXT"]);
  expect(stdout).toBe('"here"\n');
});
