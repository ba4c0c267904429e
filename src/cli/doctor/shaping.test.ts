import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Config } from "../../platform/config/index.ts";
import type { ProbeInput } from "./probe.ts";
import { shaping } from "./shaping.ts";

let dir: string;
beforeEach(() => void (dir = mkdtempSync(join(tmpdir(), "atmos-doctor-shaping-"))));
afterEach(() => rmSync(dir, { recursive: true }));

const look = (config: Partial<Config>) =>
  shaping({ config: { ROLES: ["relay"], PROVIDER_DAILY: {}, ...config } } as unknown as ProbeInput);

function file(text: string): string {
  const path = join(dir, "own.toml");
  writeFileSync(path, text);
  return path;
}

test("the built-in file alone is sound", async () => {
  expect(await look({})).toEqual([
    {
      probe: "shaping",
      status: "ok",
      text: expect.stringMatching(/^the built-in file: \d+ providers$/) as string,
    },
  ]);
  expect(await look({ ROLES: ["core"] })).toEqual([]);
});

test("each problem of the operator's file is a finding, with what the relay does meanwhile", async () => {
  const findings = await look({ SHAPING_FILE: file("[provider.gmail]\nconections = 3\nconnections = 0") });
  expect(findings.map(({ status }) => status)).toEqual(["fail", "fail"]);
  expect(findings[0]).toMatchObject({
    text: expect.stringMatching(/own\.toml:2: .*did you mean connections\?/) as string,
    remedy: expect.stringMatching(/keeps the last good one/) as string,
  });
});

test("a limit for a provider that is none is a finding", async () => {
  expect(await look({ PROVIDER_DAILY: { gmail: 1, gmial: 2 } })).toMatchObject([
    {
      status: "fail",
      text: 'ATMOS_PROVIDER_DAILY: "gmial" is no provider; did you mean gmail? All of them: atmos shaping show',
    },
  ]);
});

test("domains that may get mail in clear are named", async () => {
  const findings = await look({ SHAPING_FILE: file('[domain."old.example"]\ntls = "clear"') });
  expect(findings[1]!.text).toBe("mail may go in clear to old.example");
});
