import { expect, test } from "vitest";
import { memoize, parseTags, type Resolver } from "./index.ts";

test("each question is asked once, whatever the case and final dot, and each type by itself", async () => {
  const asked: string[] = [];
  const resolver: Resolver = {
    resolve: async (name, type) => {
      asked.push(`${name} ${type}`);
      return { status: "nodata", authentic: false };
    },
  };
  const memo = memoize(resolver);
  await Promise.all([
    memo.resolve("x.test", "A"),
    memo.resolve("X.test.", "A"),
    memo.resolve("x.test", "MX"),
  ]);
  expect(asked).toEqual(["x.test A", "x.test MX"]);
});

test.each([
  [
    "v=A; b=c=d ;",
    [
      ["v", "A"],
      ["b", "c=d"],
    ],
  ],
  ["V=A;; ", [["v", "A"]]],
])("tags of %j", (text, tags) => expect([...parseTags(text)]).toEqual(tags));

test.each([
  ["a", /not tag=value/],
  ["=a", /not tag=value/],
  ["a=1;A=2", /twice/],
  [`a=${"x".repeat(5000)}`, /too long/],
])("no tags: %j", (text, fault) => expect(parseTags(text)).toMatch(fault));
