import { expect, test } from "vitest";
import { MovableClock } from "../lib/clock.ts";
import { createExaminer } from "./xrpc-examine.ts";

function setUp(options: { parallel?: number; waiting?: number; kept?: number } = {}) {
  const clock = new MovableClock(0);
  const started: string[] = [];
  const gates = new Map<string, PromiseWithResolvers<string>>();
  const examine = createExaminer(
    ({ domain }: { domain: string; did?: string }) => {
      started.push(domain);
      const gate = Promise.withResolvers<string>();
      gates.set(domain, gate);
      return gate.promise;
    },
    { clock, ttlMs: 1_000, ...options },
  );
  const ask = (domain: string, did?: string) => {
    const taken = examine({ domain, ...(did !== undefined && { did }) });
    return taken.status === "busy" ? "busy" : taken.result;
  };
  return { clock, started, gates, ask };
}

test("the same question is worked on once, and its answer kept for a while", async () => {
  const { clock, started, gates, ask } = setUp();
  const both = [ask("a"), ask("a")];
  expect(started).toEqual(["a"]);
  gates.get("a")!.resolve("sound");
  expect(await Promise.all(both)).toEqual(["sound", "sound"]);
  clock.advance(999);
  expect(await ask("a")).toBe("sound");
  expect(started).toEqual(["a"]);
  void ask("a", "did:plc:x");
  clock.advance(1);
  void ask("a");
  expect(started).toEqual(["a", "a", "a"]);
});

test("so many at once, so many wait, and the next is sent away", async () => {
  const { started, gates, ask } = setUp({ parallel: 2, waiting: 2 });
  const asked = ["a", "b", "c", "d", "e"].map((domain) => ask(domain));
  expect(asked[4]).toBe("busy");
  expect(started).toEqual(["a", "b"]);
  expect(ask("c")).not.toBe("busy");
  for (const domain of ["a", "b", "c", "d"]) {
    await expect.poll(() => gates.has(domain)).toBe(true);
    gates.get(domain)!.resolve(domain);
  }
  expect(await Promise.all(asked.slice(0, 4))).toEqual(["a", "b", "c", "d"]);
  expect(ask("e")).not.toBe("busy");
  expect(started).toEqual(["a", "b", "c", "d", "e"]);
});

test("a failure is not kept, and gives its place free", async () => {
  const { started, gates, ask } = setUp({ parallel: 1 });
  const first = ask("a");
  gates.get("a")!.reject(new Error("broken"));
  await expect(first).rejects.toThrow("broken");
  void ask("a");
  expect(started).toEqual(["a", "a"]);
});

test("so many answers are kept", async () => {
  const { started, gates, ask } = setUp({ kept: 2 });
  for (const domain of ["a", "b", "c"]) {
    const answer = ask(domain);
    gates.get(domain)!.resolve(domain);
    await answer;
  }
  void ask("c");
  expect(started).toHaveLength(3);
  void ask("a");
  expect(started).toEqual(["a", "b", "c", "a"]);
});
