import { Command, Option } from "commander";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { caseCommands } from "../src/cli/case.ts";
import { check } from "../src/cli/check.ts";
import { connectionTest } from "../src/cli/connection-test.ts";
import { doctor } from "../src/cli/doctor/index.ts";
import { labelExplain } from "../src/cli/label.ts";
import { link } from "../src/cli/link.ts";
import { memberCommands } from "../src/cli/member-commands.ts";
import { queueCommands } from "../src/cli/queue.ts";
import { sendTest } from "../src/cli/send-test.ts";
import type { Sandbox } from "../src/devnet/index.ts";
import { openSandbox } from "./open-sandbox.ts";

let env: string;
let sandbox: Sandbox;
let close: () => Promise<void>;
let did: string;
const DOMAIN = "alder.test";
const applicant = "did:plc:bbbbbbbbbbbbbbbbbbbbbbbb";

beforeAll(async () => {
  ({ env, sandbox, close } = await openSandbox({
    operators: [{ name: "Alder", domain: DOMAIN, perDay: 10 }],
  }));
  did = sandbox.serve.core!.members.domain(DOMAIN)!.did;
});
afterAll(async () => {
  await close();
});

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;
/** Names of times. In the long run somebody invents another: then the size of the number tells. */
const TIME =
  /^(at|as_?[oO]f|now|since|until|when|date|time|timestamp|created|updated|expires|expiry)$|(At|_at|Time|Date|Since|Until|From|Before|After|Expires)$/;
const [FIRST, LAST] = [Date.UTC(2020, 0), Date.UTC(2100, 0)];
/** A number in comail's API, which gives it. */
const NO_TIME = new Set(["messageId"]);

/** What breaks the convention in a JSON document, with where it stands. */
function faultsOf(value: unknown, path = ""): string[] {
  if (Array.isArray(value)) return value.flatMap((one, i) => faultsOf(one, `${path}[${i}]`));
  if (typeof value === "object" && value !== null)
    return Object.entries(value).flatMap(([key, inner]) => [
      ...faultOf(key, inner, `${path}.${key}`),
      ...faultsOf(inner, `${path}.${key}`),
    ]);
  return [];
}

function faultOf(key: string, value: unknown, path: string): string[] {
  if (typeof value === "string")
    return /At$|^(at|asOf|now|until)$/.test(key) && !ISO.test(value) ? [`${path}: ${value}`] : [];
  if (typeof value !== "number" || NO_TIME.has(key)) return [];
  const isInstant = [value, value * 1_000].some((ms) => ms >= FIRST && ms < LAST);
  return TIME.test(key) || isInstant ? [`${path}: ${value}`] : [];
}

test.each<[unknown, number]>([
  [{ at: "2026-01-01T12:00:00.000Z", durationMs: 5, next: 7, from: "a@b.test" }, 0],
  [{ messages: [{ receivedAt: Date.UTC(2026, 0) }] }, 1],
  [{ asOf: 5 }, 1],
  [{ validFrom: 5, notAfter: 6 }, 2],
  [{ whatever: Date.UTC(2026, 0) }, 1],
  [{ seconds: Date.UTC(2026, 0) / 1_000 }, 1],
  [{ seenAt: "yesterday" }, 1],
  [{ seenAt: "2026-01-01T12:00:00+01:00" }, 1],
  [{ endedAt: null, at: { inner: true } }, 0],
])("what breaks the convention is found: %j", (value, faults) => {
  expect(faultsOf(value)).toHaveLength(faults);
});

/** Runs a command and gives the document that it printed. */
async function documentOf(command: () => Promise<unknown>): Promise<unknown> {
  let text = "";
  const spy = vi.spyOn(process.stdout, "write").mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  try {
    await command();
  } finally {
    spy.mockRestore();
  }
  return JSON.parse(text);
}

function program(): Command {
  const atmos = new Command("atmos").exitOverride();
  const parts = {
    env: () => new Option("--env <file>").default(env),
    json: () => new Option("--json"),
    run:
      <A extends unknown[]>(command: (...args: A) => Promise<number>) =>
      async (...args: A) =>
        void (await command(...args)),
  };
  memberCommands(atmos, parts);
  queueCommands(atmos, parts);
  caseCommands(atmos, parts);
  return atmos;
}

const ran = new Set<string>();
async function atmos(...args: string[]): Promise<Record<string, unknown>> {
  ran.add(args.slice(0, 2).join(" "));
  const document = await documentOf(() => program().parseAsync([...args, "--json"], { from: "user" }));
  expect(faultsOf(document), args.join(" ")).toEqual([]);
  return document as Record<string, unknown>;
}

const BY = ["--by", "rosa"];
const REASON = ["--reason", "A test", ...BY];
const WHY = ["--why", "A test", ...BY];

async function send(to: string): Promise<void> {
  const [operator] = sandbox.operators;
  const url = `smtps://${operator!.username}:${operator!.secret}@127.0.0.1:${sandbox.serve.relay!.addresses.tls[0]!.port}`;
  const options = { url, from: operator!.from, ca: sandbox.world.caFile, json: true };
  const document = await documentOf(() => sendTest(to, options));
  expect(faultsOf(document)).toEqual([]);
}

describe("times are ISO 8601 with Z, wherever they stand", () => {
  test("atmos member", async () => {
    const form = ["--name", "Ada", "--contact", "a@ada.test", "--domain", "ada.test"];
    await atmos("member", "apply", applicant, ...form, ...BY);
    expect(await atmos("member", "applications")).toMatchObject({
      applications: [{ appliedAt: expect.stringMatching(ISO), decision: null }],
    });
    await atmos("member", "decline", applicant, ...REASON);
    await atmos("member", "apply", applicant, ...form, ...BY);
    await atmos("member", "approve", applicant, "--note", "Welcome", ...BY);
    expect(await atmos("member", "applications", "--state", "all")).toMatchObject({
      applications: [{ decision: { at: expect.stringMatching(ISO) } }, {}, {}],
    });
    await atmos("member", "leave", applicant, ...REASON);
    await atmos("member", "add", "did:plc:cccccccccccccccccccccccc", "--name", "Bob", ...BY);
    await atmos("member", "domain", "did:plc:cccccccccccccccccccccccc", "bob.test");
    await atmos("member", "env", did);
    const { id } = await atmos("member", "credential", did, DOMAIN);
    await atmos("member", "revoke", did, String(id), ...BY);
    await send("ada@bigmail.test");
    await sandbox.settle();
    const { credentials } = await atmos("member", "credentials", did);
    const iso = expect.stringMatching(ISO);
    expect(credentials).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ createdAt: iso, lastUsed: { at: iso, address: "127.0.0.1" } }),
        expect.objectContaining({ revoked: { at: iso, by: "rosa" } }),
      ]),
    );
    await atmos("member", "pause", did, ...REASON);
    await atmos("member", "resume", did, ...REASON);
    await atmos("member", "pause", did, ...REASON);
    await atmos("member", "standing", did, "warned", ...WHY);
    await atmos("member", "standing", did, "probation", ...WHY);
    await atmos("member", "remedy", did, "--text", "A captcha", ...BY);
    const [change] = sandbox.serve.core!.standings.changesOf(did, 1);
    const { id: appeal } = await atmos("member", "appeal", did, String(change!.id), "--text", "No", ...BY);
    expect(await atmos("case", "list")).toMatchObject({ cases: [{ openedAt: iso, dueAt: iso }] });
    expect(await atmos("case", "show", String(appeal))).toMatchObject({ change: { at: iso } });
    expect(
      await atmos("case", "decide", String(appeal), "--to", "warned", "--reason", "A test", "--by", "otto"),
    ).toMatchObject({
      decision: { at: iso },
    });
    await atmos("member", "bounces", did);
    await atmos("member", "webhook", did);
    const { token } = await atmos("member", "token", did, "--name", "monitor", "--scope", "read", ...BY);
    expect(token).toMatchObject({ madeAt: iso, endsAt: iso, usedAt: null });
    await atmos("member", "token", did, "--revoke", (token as { id: string }).id, ...BY);
    expect(await atmos("member", "token", did, "--list")).toMatchObject({
      tokens: [{ revoked: { at: iso } }],
    });
    await atmos("member", "proof", did);
    await atmos("member", "export", did, "--out", `${env}.zip`, ...BY);
    await atmos("member", "replies", did);
    await atmos("member", "person", "add", did, "dora.pds.test", "--role", "viewer", ...BY);
    expect(await atmos("member", "person", "list", did)).toMatchObject({ people: [{ addedAt: iso }] });
    await atmos("member", "person", "remove", did, "dora.pds.test", ...BY);
    expect(await atmos("member", "show", did)).toMatchObject({
      joinedAt: expect.stringMatching(ISO),
      pauses: [{ at: expect.stringMatching(ISO), end: null }, { end: { at: expect.stringMatching(ISO) } }],
    });
    expect(await atmos("member", "show", applicant)).toMatchObject({
      left: { at: expect.stringMatching(ISO) },
    });
    expect(await atmos("member", "delete", applicant, "--yes", ...BY)).toMatchObject({ deletedAt: iso });
    await atmos("member", "list");
    await atmos("member", "resume", did, ...REASON);
  });

  test("atmos domain", async () => {
    const { publish } = await atmos("domain", "rotate", DOMAIN);
    for (const { name, value } of publish as { name: string; value: string }[])
      sandbox.world.zones.set(name, "TXT", { text: value });
    await sandbox.serve.core!.members.followRotation(DOMAIN, {
      selectors: (publish as { name: string }[]).map(({ name }) => name.split(".")[0]!),
      seen: true,
    });
    expect(await atmos("domain", "rotate", DOMAIN, "--status")).toMatchObject({
      seenAt: expect.stringMatching(ISO),
      activeFrom: expect.stringMatching(ISO),
    });
    expect(await atmos("domain", "rotate", DOMAIN, "--now")).toMatchObject({
      keep: [{ until: expect.stringMatching(ISO) }, {}],
    });
  });

  test("atmos queue", async () => {
    sandbox.serve.core!.members.setDomainStatus(DOMAIN, "active");
    await sandbox.settle();
    await send("ada@bigmail.test");
    await sandbox.settle();
    const all = await atmos("queue", "list", "--state", "delivered", "--state", "held");
    expect(all).toMatchObject({
      now: expect.stringMatching(ISO),
      entries: expect.arrayContaining([expect.objectContaining({ receivedAt: expect.stringMatching(ISO) })]),
    });
    await atmos("member", "pause", did, ...REASON);
    await sandbox.settle();
    await send("bob@bigmail.test");
    await sandbox.settle();
    await atmos("queue", "hold", "--did", did, ...WHY, "--yes");
    for (const action of ["requeue", "release", "bounce", "drop"])
      await atmos("queue", action, "--did", did, ...WHY, "--dry-run");
    await atmos("queue", "drop", "--did", did, ...WHY, "--yes");
    const [entry] = (await atmos("queue", "list", "--state", "delivered"))["entries"] as {
      messageId: string;
    }[];
    expect(await atmos("queue", "show", entry!.messageId)).toMatchObject({
      message: { receivedAt: expect.stringMatching(ISO) },
      attempts: [{ at: expect.stringMatching(ISO), durationMs: expect.any(Number) }],
    });
    const [gone] = (await atmos("queue", "list", "--state", "dropped"))["entries"] as { messageId: string }[];
    expect(await atmos("queue", "show", gone!.messageId)).toMatchObject({
      operations: expect.arrayContaining([expect.objectContaining({ at: expect.stringMatching(ISO) })]),
    });
    await atmos("member", "resume", did, ...REASON);
  });

  test("every other command that answers from a running cooperative", async () => {
    const resolver = sandbox.config.DNS_SERVERS[0]!;
    const smtpPort = String(sandbox.serve.relay!.addresses.inbound.port);
    const port = sandbox.serve.relay!.addresses.tls[0]!.port;
    const ca = sandbox.world.caFile;
    const ports = { tlsPort: [port], starttlsPort: [1] };
    for (const command of [
      () => link(did, { env, json: true }),
      () => link(undefined, { env, json: true, committee: true }),
      () => doctor({ env, json: true }),
      () => check(DOMAIN, { resolver, json: true, transport: true, allowPrivate: true, smtpPort }),
      () => labelExplain(did, { env, json: true }),
      () => connectionTest("127.0.0.1", { ca, timeout: "2", json: true, ...ports }),
    ])
      expect(faultsOf(await documentOf(command))).toEqual([]);
  });

  test("every subcommand of member, domain, case and queue that works on a running cooperative was walked", () => {
    const named = program().commands.flatMap((group) =>
      group.commands.map((command) => `${group.name()} ${command.name()}`),
    );
    // These two work on a spool that lies still; their report has counts and ids.
    const still = ["queue salvage", "queue restore"];
    expect(named.filter((name) => !ran.has(name) && !still.includes(name))).toEqual([]);
  });

  test("the HTTP APIs", async () => {
    const [operator] = sandbox.operators;
    const basic = `Basic ${Buffer.from(`${operator!.username}:${operator!.secret}`).toString("base64")}`;
    const get = async (path: string, headers: Record<string, string> = {}) => {
      const answer = await fetch(sandbox.urls.web + path, {
        headers: { accept: "application/json", ...headers },
      });
      expect([path, answer.status]).toEqual([path, 200]);
      const document: unknown = await answer.json();
      expect(faultsOf(document), path).toEqual([]);
      return document;
    };
    const list = (await get("/v1/messages?limit=10", { authorization: basic })) as {
      messages: { id: string }[];
    };
    expect(list.messages).toMatchObject([{ receivedAt: expect.stringMatching(ISO) }, {}, {}]);
    for (const { id } of list.messages) await get(`/v1/messages/${id}`, { authorization: basic });
    await get("/v1/openapi.json");
    expect(await get(`/labels/${did}`)).toMatchObject({
      asOf: expect.stringMatching(ISO),
      labels: expect.arrayContaining([expect.objectContaining({ since: expect.stringMatching(ISO) })]),
    });
    await get("/xrpc/com.atproto.label.queryLabels?uriPatterns=*");
    for (const method of [
      `listMembers`,
      `getAttestationStatus?did=${did}&domain=${DOMAIN}`,
      `checkDomain?domain=${DOMAIN}`,
    ])
      await get(`/xrpc/community.email.${method}`);
  });
});
