import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { snippets } from "./index.ts";

const all = snippets({ zone: "wl.coop.example" });

test.each(all.map((one) => [one.name, one] as const))(
  "%s asks this list for exact codes, or has rspamd ask",
  (_, one) => {
    const text = one.files.map((file) => file.text).join("\n");
    expect(text).toMatch(/\b(dwl|ip)\.wl\.coop\.example\b/);
    expect(text).toMatch(
      /127[.%\\]+0[.%\\]+(\[3;6\]|[36])[.%\\]+[12]|atmos allowlist snippet rspamd --zone wl\.coop\.example$/m,
    );
    expect(text).not.toMatch(/undefined|\$\{zone|TODO/);
    expect([one.title, one.reload, one.trusts, one.never].every((words) => words.length > 5)).toBe(true);
  },
);

test("each has a name of its own", () => {
  expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
});

test("Stalwart's plan scores each tag that it gives, and counts it in favour", () => {
  const plan = all.find(({ name }) => name === "stalwart")!.files[0]!.text;
  const lines = plan.trimEnd().split("\n");
  const operations = lines.map((line) => JSON.parse(line) as { object: string; value: object });
  const scores = operations
    .filter(({ object }) => object === "SpamTag")
    .flatMap(({ value }) => Object.values(value) as { tag: string; score: number }[]);
  const given = plan.match(/(?<=')ATMOS_[A-Z_]+(?=')/g);
  expect(given?.toSorted()).toEqual(scores.map(({ tag }) => tag).toSorted());
  for (const { score } of scores) expect(score).toBeLessThan(0);
});

test.each(all.map((one) => [one.name, one] as const))("the documentation has %s as it is", (_, one) => {
  const page = readFileSync(join(import.meta.dirname, "../../docs/allowlist-consumers.md"), "utf8");
  for (const { path, text } of one.files) {
    expect(page).toContain(path);
    expect(page).toContain(`\`\`\`\n${text}\`\`\``);
  }
  for (const words of [one.title, one.trusts, one.never, one.reload])
    expect(page.replace(/\s+/g, " ")).toContain(words);
});
