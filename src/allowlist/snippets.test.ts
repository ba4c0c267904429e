import { expect, test } from "vitest";
import { snippets } from "./index.ts";

const all = snippets({ zone: "wl.coop.example", url: "https://coop.example/allowlist" });

test.each(all.map((one) => [one.name, one] as const))("%s asks this list for exact codes", (_, one) => {
  const text = one.files.map((file) => file.text).join("\n");
  expect(text).toMatch(/\b(dwl|ip)\.wl\.coop\.example\b/);
  expect(text).toMatch(/127[.%\\]+0[.%\\]+(\[3;6\]|[36])[.%\\]+[12]/);
  expect(text).not.toMatch(/undefined|\$\{zone|TODO/);
  expect([one.title, one.reload, one.trusts, one.never].every((words) => words.length > 5)).toBe(true);
});

test("each has a name of its own", () => {
  expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
});
