import { beforeEach, expect, test } from "vitest";
import { cached, type DnsAnswer, type Resolver } from "./index.ts";

type Txt = DnsAnswer<"TXT">;
const txt = (...ttls: number[]): Txt => ({
  status: "ok",
  authentic: false,
  records: ttls.map((ttl, i) => ({ text: `${i}`, ttl })),
});
const long: Txt = { status: "ok", authentic: false, records: [{ text: "x".repeat(5000), ttl: 300 }] };
const many = txt(...Array.from({ length: 600 }, () => 300));
const silent: Txt = { status: "temperror", detail: "no answer", kind: "timeout" };

let now: number;
let asked: string[];
let answer: Txt;
let upstream: Resolver;

beforeEach(() => {
  now = 1_000_000;
  asked = [];
  answer = txt(60);
  upstream = {
    resolve: async (name, type) => {
      asked.push(`${name} ${type}`);
      return answer as DnsAnswer<typeof type>;
    },
  };
});

const cache = (size = 100) => cached(upstream, { now: () => now, size });

test.each<[string, Txt, heldMs: number]>([
  ["its TTL", txt(60), 60_000],
  ["the lowest of several TTLs", txt(200, 90, 250), 90_000],
  ["no less than 30 seconds", txt(0), 30_000],
  ["no more than 5 minutes", txt(86_400), 300_000],
  ["NXDOMAIN, shortly", { status: "nxdomain", authentic: false }, 30_000],
  ["no data, shortly", { status: "nodata", authentic: true }, 30_000],
  ["no records, as no data", txt(), 30_000],
  ["silence, never", silent, 0],
  ["a record above 4 KiB, never", long, 0],
  ["records above 4 KiB together, never", many, 0],
])("an answer is held for %s", async (_, given, heldMs) => {
  answer = given;
  const resolver = cache();
  expect(await resolver.resolve("x.test", "TXT")).toEqual(given);
  now += Math.max(heldMs - 1, 0);
  expect(await resolver.resolve("x.test", "TXT")).toEqual(given);
  expect(asked).toHaveLength(heldMs > 0 ? 1 : 2);
  now += 1;
  answer = txt(77);
  expect(await resolver.resolve("x.test", "TXT")).toEqual(txt(77));
  expect(asked).toHaveLength(heldMs > 0 ? 2 : 3);
});

test("a TTL counts from the answer, and a held answer does not live longer by being asked for", async () => {
  const gate = Promise.withResolvers<void>();
  const resolver = cached(
    { resolve: (name, type) => gate.promise.then(() => upstream.resolve(name, type)) },
    { now: () => now, size: 9 },
  );
  const waiting = resolver.resolve("x.test", "TXT");
  now += 50_000;
  gate.resolve();
  await waiting;
  for (const step of [30_000, 29_999]) {
    now += step;
    await resolver.resolve("x.test", "TXT");
  }
  expect(asked).toHaveLength(1);
  now += 1;
  await resolver.resolve("x.test", "TXT");
  expect(asked).toHaveLength(2);
});

test("a question under way is asked once, whatever the case and final dot; each type by itself", async () => {
  const resolver = cache();
  await Promise.all([
    resolver.resolve("x.test", "TXT"),
    resolver.resolve("X.Test.", "TXT"),
    resolver.resolve("x.test", "A"),
  ]);
  expect(asked).toEqual(["x.test TXT", "x.test A"]);
});

test("those who waited for silence have it together; the next asks again", async () => {
  answer = silent;
  const resolver = cache();
  const both = await Promise.all([resolver.resolve("x.test", "TXT"), resolver.resolve("x.test", "TXT")]);
  expect(both).toEqual([silent, silent]);
  expect(asked).toHaveLength(1);
  answer = txt(60);
  expect(await resolver.resolve("x.test", "TXT")).toEqual(answer);
});

test("silence of an earlier question does not take away what a later one was told", async () => {
  const gates = [Promise.withResolvers<Txt>(), Promise.withResolvers<Txt>()];
  let n = 0;
  const slow: Resolver = {
    resolve: async (_, type) => (await gates[n++]!.promise) as DnsAnswer<typeof type>,
  };
  const resolver = cached(slow, { now: () => now, size: 1 });
  const first = resolver.resolve("x.test", "TXT");
  const other = resolver.resolve("y.test", "TXT"); // pushes the first out
  gates.push(Promise.withResolvers<Txt>());
  const again = resolver.resolve("x.test", "TXT");
  gates[2]!.resolve(txt(60));
  gates[0]!.resolve(silent);
  gates[1]!.resolve(silent);
  expect(await Promise.all([first, other, again])).toEqual([silent, silent, txt(60)]);
  expect(await resolver.resolve("x.test", "TXT")).toEqual(txt(60));
  expect(n).toBe(3);
});

test("beyond its size the answer asked for longest ago goes", async () => {
  const resolver = cache(2);
  for (const name of ["a", "b", "a", "c", "a", "b"]) await resolver.resolve(`${name}.test`, "TXT");
  expect(asked).toEqual(["a.test TXT", "b.test TXT", "c.test TXT", "b.test TXT"]);
});

test("a resolver that breaks its word is asked again, and nothing rejects unseen", async () => {
  let fail = true;
  const resolver = cached(
    { resolve: (name, type) => (fail ? Promise.reject(new Error("bug")) : upstream.resolve(name, type)) },
    { now: () => now, size: 9 },
  );
  await expect(resolver.resolve("x.test", "TXT")).rejects.toThrow("bug");
  fail = false;
  expect(await resolver.resolve("x.test", "TXT")).toEqual(answer);
});
