import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Hono } from "hono";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { plcMigration, startPlc, type Plc } from "../../devnet/plc.ts";
import { LABELER_SERVICE_COLLECTION, labelerServiceRecord } from "../../label/index.ts";
import { systemClock as clock } from "../../lib/clock.ts";
import { Database } from "../../platform/database.ts";
import { serveHttp } from "../../platform/http.ts";
import { CommandError, EXIT } from "../output.ts";
import type { Question } from "./ask.ts";
import { HANDLE, PASSWORD, PdsFixture } from "./pds.fixture.ts";
import { labelerSetup, type SetupOptions } from "./setup.ts";

const SERVICE = `${LABELER_SERVICE_COLLECTION}/self`;
const closers: (() => unknown)[] = [];
let plc: Plc;
let pds: PdsFixture;
let envFile: string;
let asked: string[];
let printed: string;

async function directory(): Promise<Plc> {
  const db = new Database(":memory:", [plcMigration]);
  closers.push(() => db.close());
  const started = await startPlc({ db, clock, host: "127.0.0.1", port: 0 });
  closers.push(() => started.close());
  return started;
}

beforeEach(async () => {
  plc = await directory();
  pds = await PdsFixture.start(plc.url);
  closers.push(() => pds.close());
  const made = mkdtempSync(join(tmpdir(), "atmos-setup-"));
  closers.push(() => rmSync(made, { recursive: true }));
  envFile = join(made, "labeler.env");
  asked = [];
  printed = "";
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    printed += String(text);
    return true;
  });
});
afterEach(async () => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  for (const close of closers.splice(0).toReversed()) await close();
});

type Answers = Record<string, string | (() => string | undefined) | undefined>;

const newest = (kind: "code" | "token") => pds.mails.findLast((mail) => mail.kind === kind)?.text;
/** What a person answers who reads the mails. */
const PERSON: Answers = {
  LABELER_PASSWORD: PASSWORD,
  LABELER_SIGN_IN_CODE: () => newest("code"),
  LABELER_PLC_TOKEN: () => newest("token"),
};

async function setUp(more: Partial<SetupOptions> = {}, answers: Answers = PERSON) {
  const ask = async ({ variable }: Question) => {
    asked.push(variable);
    const answer = answers[variable];
    return typeof answer === "function" ? answer() : answer;
  };
  const url = "https://labels.test";
  const options = { pds: pds.url, handle: HANDLE, url, plc: plc.url, env: envFile, json: true, ...more };
  printed = "";
  const code = await labelerSetup(options, ask);
  const { steps, settings } = JSON.parse(printed) as {
    steps: { step: string; status: string; text: string }[];
    settings: Record<string, string>;
  };
  return { code, steps: steps.map((s) => `${s.status} ${s.step}`), settings };
}

/** Why it was not done, and the exit code. */
async function refusal(more: Partial<SetupOptions> = {}, answers: Answers = PERSON) {
  const error: unknown = await setUp(more, answers).catch((thrown: unknown) => thrown);
  return error instanceof CommandError ? { exit: error.exit, message: error.message } : error;
}

async function identity() {
  const response = await fetch(`${plc.url}/${pds.did}/data`);
  return (await response.json()) as {
    verificationMethods: Record<string, string>;
    services: Record<string, unknown>;
    rotationKeys: string[];
    alsoKnownAs: string[];
  };
}

const FOUR = ["log in", "signing key", "DID document", "service record"];
const all = (status: string) => ["ok log in", ...FOUR.slice(1).map((step) => `${status} ${step}`)];

test("it does what is missing, once; the rest of the DID document stays", async () => {
  const before = await identity();
  const first = await setUp();
  expect(first).toEqual({
    code: EXIT.ok,
    steps: [
      "ok log in",
      "done signing key",
      "waits DID document",
      "done DID document",
      "done service record",
    ],
    settings: { ATMOS_LABELER_DID: pds.did, ATMOS_PUBLIC_URL: "https://labels.test", ATMOS_PLC_URL: plc.url },
  });
  expect(statSync(envFile).mode & 0o777).toBe(0o600);
  const after = await identity();
  expect(after.services["atproto_labeler"]).toEqual({
    type: "AtprotoLabeler",
    endpoint: "https://labels.test",
  });
  expect(after.verificationMethods["atproto_label"]).toMatch(/^did:key:zQ3s/);
  expect({ ...after.services, atproto_labeler: undefined }).toEqual({ ...before.services });
  expect(after.verificationMethods["atproto"]).toBe(before.verificationMethods["atproto"]);
  expect([after.rotationKeys, after.alsoKnownAs]).toEqual([before.rotationKeys, before.alsoKnownAs]);
  expect(pds.records.get(SERVICE)).toMatchObject({ $type: LABELER_SERVICE_COLLECTION });

  const again = await setUp();
  expect([again.code, again.steps]).toEqual([EXIT.ok, all("ok")]);
  expect(pds.mails).toHaveLength(1);
});

test("a dry run asks for the password alone, and changes nothing", async () => {
  const before = await identity();
  const { code, steps } = await setUp({ dryRun: true });
  expect([code, steps]).toEqual([EXIT.ok, all("would")]);
  expect(asked).toEqual(["LABELER_PASSWORD"]);
  expect([await identity(), existsSync(envFile), pds.mails, pds.records.size]).toEqual([
    before,
    false,
    [],
    0,
  ]);
});

test("a dry run after the key is there says what the DID document lacks", async () => {
  writeFileSync(envFile, `ATMOS_LABELER_KEY=${"ab".repeat(32)}\n`);
  expect((await setUp({ dryRun: true })).steps).toEqual([
    "ok log in",
    "ok signing key",
    "would DID document",
    "would service record",
  ]);
});

describe("the token by e-mail", () => {
  test("without it the command ends, and goes on with it in LABELER_PLC_TOKEN; no second mail is sent", async () => {
    const first = await setUp({}, { ...PERSON, LABELER_PLC_TOKEN: undefined });
    expect([first.code, first.steps.at(-1)]).toEqual([EXIT.fault, "waits DID document"]);
    const key = readFileSync(envFile, "utf8");
    vi.stubEnv("LABELER_PLC_TOKEN", newest("token")!);
    const second = await setUp();
    expect([second.code, second.steps]).toEqual([
      EXIT.ok,
      ["ok log in", "ok signing key", "done DID document", "done service record"],
    ]);
    expect(pds.mails).toHaveLength(1);
    expect(readFileSync(envFile, "utf8")).toBe(key);
  });

  test("a wrong one changes nothing", async () => {
    const before = await identity();
    expect(await refusal({}, { ...PERSON, LABELER_PLC_TOKEN: "AAAAA-AAAAA" })).toEqual({
      exit: EXIT.fault,
      message: expect.stringMatching(/The DID document is as it was\..*InvalidToken.*LABELER_PLC_TOKEN/s),
    });
    expect([await identity(), pds.records.size]).toEqual([before, 0]);
  });

  test("an app password gets none", async () => {
    expect(await refusal({}, { ...PERSON, LABELER_PASSWORD: "app-pass-word" })).toEqual({
      exit: EXIT.fault,
      message: expect.stringMatching(/sends no token.*not an app password/s),
    });
  });
});

describe("a sign-in code", () => {
  beforeEach(() => {
    pds.secondFactor = true;
  });

  test("is asked for when the account wants one", async () => {
    const { code, steps } = await setUp({ dryRun: true });
    expect([code, steps[0]]).toEqual([EXIT.ok, "ok log in"]);
    expect(asked).toEqual(["LABELER_PASSWORD", "LABELER_SIGN_IN_CODE"]);
  });

  test("that was mailed for an earlier run is good in LABELER_SIGN_IN_CODE: no new mail makes it void", async () => {
    const none = { ...PERSON, LABELER_SIGN_IN_CODE: undefined };
    expect(await refusal({ dryRun: true }, none)).toEqual({
      exit: EXIT.fault,
      message: expect.stringContaining("run again with it in LABELER_SIGN_IN_CODE"),
    });
    vi.stubEnv("LABELER_SIGN_IN_CODE", newest("code")!);
    expect((await setUp({ dryRun: true }, none)).steps[0]).toBe("ok log in");
    expect(pds.mails).toHaveLength(1);
  });

  test("that is wrong or used up is said to be so", async () => {
    vi.stubEnv("LABELER_SIGN_IN_CODE", "CODE-0");
    expect(await refusal({ dryRun: true })).toEqual({
      exit: EXIT.fault,
      message: expect.stringMatching(/Cannot log in as labels\.test.*InvalidToken.*LABELER_SIGN_IN_CODE/s),
    });
  });

  test("in the variable harms no account that wants none", async () => {
    pds.secondFactor = false;
    vi.stubEnv("LABELER_SIGN_IN_CODE", "CODE-0");
    expect((await setUp({ dryRun: true })).steps[0]).toBe("ok log in");
  });
});

test("only what differs is written: a record of other words keeps its date", async () => {
  await setUp();
  const createdAt = String(pds.records.get(SERVICE)!["createdAt"]);
  pds.records.set(SERVICE, { ...labelerServiceRecord(createdAt), reasonTypes: ["spam"] });
  expect((await setUp()).steps.at(-1)).toBe("done service record");
  expect(pds.records.get(SERVICE)).toEqual(labelerServiceRecord(createdAt));
});

test("a new address or a new key is put into the DID document, with a new token", async () => {
  await setUp();
  const moved = await setUp({ url: "https://new.labels.test" });
  expect(moved.steps).toContain("done DID document");
  expect((await identity()).services["atproto_labeler"]).toMatchObject({
    endpoint: "https://new.labels.test",
  });
  writeFileSync(envFile, `ATMOS_LABELER_KEY=${"cd".repeat(32)}\n`);
  const { verificationMethods: before } = await identity();
  await setUp({ url: "https://new.labels.test" });
  expect((await identity()).verificationMethods["atproto_label"]).not.toBe(before["atproto_label"]);
  expect(pds.mails).toHaveLength(3);
});

describe("what it does not begin with", () => {
  const cases: [
    string,
    { options?: Partial<SetupOptions>; env?: string; answers?: Answers },
    number,
    RegExp,
  ][] = [
    ["a wrong password", { answers: { LABELER_PASSWORD: "x" } }, 1, /Cannot log in.*its own password/s],
    ["no password", { answers: {} }, 2, /LABELER_PASSWORD/],
    ["no PDS there", { options: { pds: "http://127.0.0.1:1" } }, 1, /does not answer: .*Look at --pds/],
    [
      "another PLC directory",
      { options: { plc: "http://127.0.0.1:1" } },
      1,
      /does not answer.*Look at --plc/,
    ],
    ["no address of ours", { options: { url: undefined } }, 2, /--url must be an address such as/],
    ["an address in clear", { options: { url: "http://labels.test" } }, 2, /--url must be an https address/],
    [
      "an address with a path",
      { options: { url: "https://labels.test/x" } },
      2,
      /--url must be an origin alone/,
    ],
    ["a PDS in clear", { options: { pds: "http://pds.test" } }, 2, /--pds must be an https address/],
    [
      "another account",
      { env: "ATMOS_LABELER_DID=did:plc:aaaaaaaaaaaaaaaaaaaaaaaa" },
      1,
      /ATMOS_LABELER_DID is did:plc:a/,
    ],
    ["a key that is none", { env: "ATMOS_LABELER_KEY=abc" }, 1, /must be 64 hexadecimal digits/],
    ["no place for a key", { options: { env: undefined } }, 2, /Name the environment file with --env/],
  ];
  test.each(cases)("%s", async (_, { options, env, answers }, exit, message) => {
    if (env !== undefined) writeFileSync(envFile, `${env}\n`);
    const before = await identity();
    expect(await refusal(options, answers)).toEqual({ exit, message: expect.stringMatching(message) });
    expect([await identity(), pds.mails, pds.records.size]).toEqual([before, [], 0]);
  });

  test("an account whose DID is no did:plc", async () => {
    pds.did = "did:web:labels.test";
    expect(await refusal()).toEqual({ exit: 1, message: expect.stringMatching(/no did:plc/) });
  });

  test("a directory that does not know the account", async () => {
    const other = await directory();
    expect(await refusal({ plc: other.url })).toEqual({
      exit: 1,
      message: expect.stringMatching(/does not know/),
    });
  });
});

test("an operation that went to another directory is noticed", async () => {
  const before = await (await fetch(`${plc.url}/${pds.did}/data`)).text();
  const stale = await serveHttp(
    new Hono().get("*", (c) => c.body(before)),
    { host: "127.0.0.1", port: 0 },
  );
  closers.push(() => stale.close(0));
  const url = `http://127.0.0.1:${stale.address.port}`;
  expect(await refusal({ plc: url })).toEqual({
    exit: 1,
    message: expect.stringMatching(
      /took the operation, but .* does not show #atproto_label and #atproto_labeler/,
    ),
  });
});

test("settings that the environment file has are used, and not printed again", async () => {
  writeFileSync(envFile, `ATMOS_PUBLIC_URL=https://labels.test\nATMOS_PLC_URL=${plc.url}\n`);
  const { settings } = await setUp({ url: undefined, plc: undefined });
  expect(settings).toEqual({ ATMOS_LABELER_DID: pds.did });
});
