import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ANNA, dsn, failed } from "../src/protocol/inspect/fixtures/build.ts";

const main = join(import.meta.dirname, "../src/cli/main.ts");
const bounce = dsn(failed("5.1.1", "550 5.1.1 no such user"));
let dir: string;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "atmos-inspect-"));
  mkdirSync(join(dir, "mails/sub"), { recursive: true });
  writeFileSync(join(dir, "mails/b.eml"), bounce);
  writeFileSync(join(dir, "mails/a.eml"), "From: x@y.test\r\n\r\nHello");
  writeFileSync(join(dir, "mails/sub/c.eml"), "\0\x01\x02--");
  symlinkSync("..", join(dir, "mails/sub/loop"));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function atmos(
  args: readonly string[],
  input?: Buffer | string,
): Promise<{ code: number; out: string; err: string }> {
  return new Promise((done) => {
    const child = execFile(process.execPath, [main, "inspect", ...args], { cwd: dir }, (error, out, err) =>
      done({ code: error ? Number(error.code) : 0, out, err }),
    );
    child.stdin?.end(input ?? "");
  });
}

const lines = (out: string) =>
  out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { file: string; kind: string });

describe("atmos inspect", () => {
  test("one message on standard input: one JSON document without a file", async () => {
    const { code, out } = await atmos(["-", "--json"], bounce);
    expect(code).toBe(0);
    const found = JSON.parse(out) as Record<string, unknown>;
    expect(found).toMatchObject({
      kind: "bounce",
      recipients: [
        {
          address: ANNA,
          action: "failed",
          status: "5.1.1",
          class: "bad-mailbox",
          permanent: true,
          fault: "recipient",
          remoteMta: "mx1.far.test",
          diagnostic: "550 5.1.1 no such user",
        },
      ],
    });
    expect(found).not.toHaveProperty("file");
  });

  test("a directory: a line for each file below it in the order of names, links not followed", async () => {
    const { code, out } = await atmos(["--json", "mails"]);
    expect(code).toBe(0);
    expect(lines(out).map(({ file, kind }) => [file, kind])).toEqual([
      ["mails/a.eml", "message"],
      ["mails/b.eml", "bounce"],
      ["mails/sub/c.eml", "message"],
    ]);
  });

  test("a file that is not there is told, and the others are done", async () => {
    const { code, out, err } = await atmos(["--json", "nowhere.eml", "mails/b.eml"]);
    expect(code).toBe(1);
    expect(lines(out).map(({ file }) => file)).toEqual(["mails/b.eml"]);
    expect(err).toBe("nowhere.eml: there is no such file.\n");
  });

  test("nothing on standard input is a message without anything", async () => {
    const { code, out } = await atmos(["-", "--json"]);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ kind: "message", recipients: [] });
  });

  test("for people", async () => {
    const { code, out } = await atmos(["mails/b.eml"]);
    expect(code).toBe(0);
    expect(out).toContain(`${ANNA}: failed, 5.1.1, bad-mailbox, give the address up; fault: recipient`);
  });

  test.each([[[]], [["--yaml", "-"]]])("called wrongly: %j", async (args) => {
    const { code, err } = await atmos(args);
    expect(code).toBe(2);
    expect(err).toContain("Usage: atmos inspect");
  });
});
