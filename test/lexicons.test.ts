import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const root = resolve(import.meta.dirname, "..");

function contents(dir: string): Record<string, string> {
  const files = readdirSync(dir, { recursive: true, encoding: "utf8" }).toSorted();
  return Object.fromEntries(
    files
      .filter((file) => statSync(join(dir, file)).isFile())
      .map((file) => [file, readFileSync(join(dir, file), "utf8")]),
  );
}

test("types and validators are those that the lexicons give: npm run lexicons", async () => {
  const out = mkdtempSync(join(tmpdir(), "lexicons-"));
  try {
    const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
      scripts: { lexicons: string };
    };
    const [, ...words] = scripts.lexicons.replace("src/protocol/lexicon", out).split(" ");
    await promisify(execFile)(process.execPath, [join(root, "node_modules/@atproto/lex/bin/lex"), ...words], {
      cwd: root,
    });
    const generated = contents(out);
    expect(Object.keys(generated).length).toBeGreaterThan(10);
    expect(contents(join(root, "src/protocol/lexicon"))).toEqual(generated);
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}, 60_000);
