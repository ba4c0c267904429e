import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { AttemptView, MessageView } from "../spool/index.ts";
import { openCore } from "./core/core.fixture.ts";
import { createExportDesk, type MemberExport } from "./member-export.ts";
import { createProofDesk } from "./member-proof.ts";
import { unzip } from "./unzip.fixture.ts";

const did = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
const NOW = Date.UTC(2026, 0, 1);
let here: Awaited<ReturnType<typeof openCore>>;

beforeEach(async () => {
  here = await openCore(NOW);
  here.core.admission.join(did, "Ada");
  await here.core.members.addDomain(did, "ada.test");
  here.core.members.createCredential(did, ["ada.test"]);
});
afterEach(() => here.close());

const recipient = (id: string, address: string) => ({
  id,
  address,
  domain: address.split("@")[1]!,
  state: "bounced" as const,
  hold: null,
  attempts: 1,
  nextAt: NOW,
  updatedAt: NOW,
  inFlight: false,
  firstTime: true,
  notify: null,
  orcpt: `rfc822;${address}`,
});
const message = (seq: number): MessageView =>
  ({
    seq,
    id: `m${seq}`,
    did,
    kind: "mail",
    sender: "noreply@ada.test",
    receivedAt: NOW,
    recipients: [recipient(`r${seq}`, `berta${seq}@mail.test`)],
  }) as unknown as MessageView;
const attempt = (id: string): AttemptView =>
  ({
    recipientId: id.replace("m", "r"),
    at: NOW,
    text: `550 berta${id.slice(1)}@mail.test: no such user berta${id.slice(1)}`,
    transcript: `RCPT TO:<berta${id.slice(1)}@mail.test>\n550 no`,
  }) as unknown as AttemptView;

/** A log of `count` messages that exist only while they are read. */
function spoolOf(count: number) {
  const asked: number[] = [];
  return {
    asked,
    messages: async (_: string, { before = count + 1, limit = 50 } = {}) => {
      asked.push(limit);
      const first = Math.min(before - 1, count);
      return Array.from({ length: Math.min(limit, first) }, (_, i) => message(first - i));
    },
    attempts: async (id: string) => [attempt(id)],
    toldTo: async () => [],
  };
}

function deskFor(spool: ReturnType<typeof spoolOf> | undefined, mostChars?: number) {
  const { core, clock } = here;
  const proofs = createProofDesk({ core, labeler: undefined, clock, domain: "coop.test" });
  return createExportDesk({
    core,
    labeler: undefined,
    spool,
    policyBook: undefined,
    providers: undefined,
    proofs,
    clock,
    ...(mostChars !== undefined && { mostChars }),
  });
}

function begun(made: ReturnType<ReturnType<typeof deskFor>["of"]>): MemberExport {
  if ("error" in made) throw new Error(made.message);
  return made;
}

async function filesOf(made: ReturnType<ReturnType<typeof deskFor>["of"]>): Promise<Map<string, string>> {
  const pieces: Uint8Array[] = [];
  for await (const piece of begun(made).bytes) pieces.push(piece);
  return unzip(Buffer.concat(pieces));
}

describe("what is handed out", () => {
  test("everything has its file, each is explained, and times are ISO 8601", async () => {
    await here.core.decide(did, "warned", { by: "rosa", why: "A test" });
    const made = deskFor(spoolOf(3)).of(did, { whole: true });
    expect(begun(made).name).toBe("atmosphere-mail-did-plc-aaaaaaaaaaaaaaaaaaaaaaaa-2026-01-01.zip");
    const files = await filesOf(made);
    const readme = files.get("README.md")!;
    for (const name of files.keys()) if (name !== "README.md") expect(readme).toContain(`\`${name}\``);
    expect(JSON.parse(files.get("member.json")!)).toMatchObject({ did, name: "Ada" });
    expect(JSON.parse(files.get("standing.json")!)).toMatchObject([
      { to: "warned", at: "2026-01-01T00:00:00.000Z", by: "rosa" },
    ]);
    const [domain] = JSON.parse(files.get("domains.json")!) as { name: string; keys: object[] }[];
    expect(domain).toMatchObject({ name: "ada.test", keys: [{ algorithm: "rsa" }, {}] });
    const lines = files.get("messages.ndjson")!.trim().split("\n");
    expect(lines.map((line) => (JSON.parse(line) as { id: string }).id)).toEqual(["m3", "m2", "m1"]);
    expect(files.get("events.ndjson")).toContain('"action":"member_joined"');
  });

  test("no secret leaves: neither keys that sign nor what opens a credential", async () => {
    const all = [...(await filesOf(deskFor(spoolOf(1)).of(did, { whole: true }))).values()].join("\n");
    const { sealed } = here.core.members.keysOf("ada.test")[0]!;
    expect(all).not.toContain(sealed);
    const row = here.db.get<{ hash: string; secret_key: string }>("SELECT hash, secret_key FROM credential")!;
    expect(all).not.toContain(row.hash);
    expect(all).not.toContain(row.secret_key);
  });

  test("the owner gets addresses whole, others masked, in what servers said too", async () => {
    const whole = (await filesOf(deskFor(spoolOf(2)).of(did, { whole: true }))).get("messages.ndjson")!;
    expect(whole).toContain("no such user berta2");
    const masked = (await filesOf(deskFor(spoolOf(2)).of(did, { whole: false }))).get("messages.ndjson")!;
    expect(masked).not.toMatch(/berta/);
    expect(masked).toContain("b…@mail.test");
    expect(masked).toContain("noreply@ada.test");
  });

  test("a long list goes on in another file", async () => {
    const files = await filesOf(deskFor(spoolOf(250), 20_000).of(did, { whole: true }));
    const parts = [...files].filter(([name]) => name.startsWith("messages"));
    expect(parts.length).toBeGreaterThan(3);
    expect(parts.map(([name]) => name).slice(0, 2)).toEqual(["messages.ndjson", "messages-2.ndjson"]);
    expect(parts.flatMap(([, text]) => text.trim().split("\n"))).toHaveLength(250);
  });
});

describe("bounds", () => {
  test("one of a member and two in all at a time; whoever stops gives its place back", async () => {
    const desk = deskFor(spoolOf(10));
    const others = ["did:plc:bbbbbbbbbbbbbbbbbbbbbbbb", "did:plc:cccccccccccccccccccccccc"];
    for (const [i, one] of others.entries()) here.core.admission.join(one, `Other ${i}`);
    const first = begun(desk.of(did, { whole: true }));
    expect(desk.of(did, { whole: true })).toMatchObject({ error: "TooMany" });
    const second = begun(desk.of(others[0]!, { whole: true }));
    expect(desk.of(others[1]!, { whole: true })).toMatchObject({ error: "TooMany" });
    await first.bytes.next();
    await first.bytes.return!();
    await second.bytes.return!();
    for (const one of [did, others[1]!]) await filesOf(desk.of(one, { whole: true }));
    expect(desk.of("did:plc:dddddddddddddddddddddddd", { whole: true })).toMatchObject({
      error: "NotAMember",
    });
  });

  test("the log is read no faster than the reader takes it", async () => {
    const spool = spoolOf(1_000_000);
    let [read, bytes] = [0, begun(deskFor(spool).of(did, { whole: true })).bytes];
    for await (const piece of bytes) {
      read += piece.length;
      if (spool.asked.length >= 20) break;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(spool.asked.length).toBeLessThan(60);
    expect(read).toBeGreaterThan(0);
  });
});
