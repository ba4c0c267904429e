import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { dnsNameOf, lexiconPublish, readLexicons, underAuthority } from "./lexicon.ts";

const did = "did:plc:abcdefghijklmnopqrstuvwx";
const ids = [
  "addDomain",
  "answerPause",
  "appeal",
  "applyForMembership",
  "attestation",
  "authMember",
  "checkDomain",
  "claimDomain",
  "confirmRemedy",
  "createCredential",
  "declaration",
  "defs",
  "deleteData",
  "describeCooperative",
  "exportData",
  "findSuppressions",
  "getAttestationStatus",
  "getDelivery",
  "getDomainRemoval",
  "getJoining",
  "getLeaving",
  "getLimits",
  "getListing",
  "getMessage",
  "getProof",
  "getProviderData",
  "getReports",
  "getSettings",
  "getStanding",
  "getWebhook",
  "issueCredential",
  "leave",
  "listChangeEvents",
  "listCredentials",
  "listDomains",
  "listMembers",
  "listMessages",
  "listSuppressions",
  "listTests",
  "listVouches",
  "lookForRecords",
  "makeTest",
  "releaseSuppression",
  "removeDomain",
  "removeWebhook",
  "requestCheck",
  "revokeCredential",
  "rotateKeys",
  "setWebhook",
  "testWebhook",
  "traceAddress",
  "updateSettings",
  "vouch",
  "withdrawVouch",
];

describe("schemas", () => {
  test("all of ours are published, and nobody else's", () => {
    expect(readLexicons().map(({ id }) => id)).toEqual(ids.map((name) => `community.email.${name}`));
  });

  test("under another authority every reference follows, and nothing else changes", () => {
    for (const lexicon of readLexicons()) {
      const before = JSON.stringify(lexicon);
      const after = JSON.stringify(underAuthority(lexicon, "org.example.mail"));
      expect(after).not.toMatch(/"community\.email\./);
      expect(after.replaceAll("org.example.mail.", "community.email.")).toBe(before);
    }
  });

  test("the style guide: few required, objects in arrays, open sets, caps on what records hold", () => {
    const faults: string[] = [];
    const walk = (at: string, node: unknown, inRecord: boolean): void => {
      if (typeof node !== "object" || node === null) return;
      const one = node as Record<string, unknown>;
      const items = one["items"] as Record<string, unknown> | undefined;
      if ("enum" in one) faults.push(`${at}: enum`);
      if (one["closed"] === true) faults.push(`${at}: closed union`);
      if (inRecord && one["type"] === "array" && items?.["type"] === "string")
        faults.push(`${at}: bare strings`);
      if (inRecord && one["type"] === "array" && one["maxLength"] === undefined) faults.push(`${at}: no cap`);
      if (inRecord && one["type"] === "string" && !one["maxLength"] && !one["format"])
        faults.push(`${at}: no cap`);
      for (const [key, value] of Object.entries(one)) walk(`${at}/${key}`, value, inRecord);
    };
    for (const { id, defs } of readLexicons()) {
      expect(id).toMatch(/^community\.email\.[a-z][a-zA-Z]*$/);
      const main = defs["main"] as { type?: string; record?: { required: string[] } } | undefined;
      walk(id, defs, main?.type === "record");
      if (main?.record) expect(main.record.required.length).toBeLessThanOrEqual(2);
    }
    expect(faults).toEqual([]);
  });
});

test.each([
  ["community.email", "_lexicon.email.community"],
  ["org.example.mail", "_lexicon.mail.example.org"],
])("the authority %s is named at %s", (authority, name) => {
  expect(dnsNameOf(authority)).toBe(name);
});
test.each(["email", "community.email.", "Community.Email", "community email", ""])(
  "%j is no authority",
  (text) => {
    expect(() => dnsNameOf(text)).toThrow(/no NSID authority/);
  },
);

describe("publish", () => {
  const records = new Map<string, object>();
  let pds: string;
  let requests: { method: string; authorization: string | undefined }[];
  let printed: string;
  let close: () => void;

  /** The three methods of a PDS that are asked, as it answers them. */
  beforeEach(async () => {
    records.clear();
    requests = [];
    printed = "";
    vi.spyOn(process.stdout, "write").mockImplementation((text) => {
      printed += String(text);
      return true;
    });
    const server = createServer(async (req, res) => {
      const url = new URL(req.url!, "http://pds");
      const method = url.pathname.replace("/xrpc/", "");
      requests.push({ method, authorization: req.headers.authorization });
      let text = "";
      for await (const chunk of req) text += String(chunk);
      const body = text === "" ? {} : (JSON.parse(text) as Record<string, string>);
      const answer = (status: number, value: object) => void res.writeHead(status).end(JSON.stringify(value));
      if (method === "com.atproto.server.createSession") {
        if (body["password"] !== "right")
          return answer(401, { error: "AuthenticationRequired", message: "no" });
        return answer(200, { did, handle: "lex.test", accessJwt: "jwt", refreshJwt: "r" });
      }
      if (method === "com.atproto.identity.resolveHandle") return answer(200, { did });
      if (method === "com.atproto.repo.getRecord") {
        const value = records.get(url.searchParams.get("rkey")!);
        return value
          ? answer(200, { uri: "at://", cid: "c", value })
          : answer(400, { error: "RecordNotFound" });
      }
      if (req.headers.authorization !== "Bearer jwt") return answer(401, { error: "AuthMissing" });
      records.set(body["rkey"]!, body["record"] as unknown as object);
      return answer(200, { uri: "at://", cid: "c" });
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    pds = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    close = () => server.close();
  });
  afterEach(() => {
    close();
    vi.restoreAllMocks();
  });

  const publish = (more: object = {}, password: string | undefined = "right") =>
    lexiconPublish({ pds, identifier: "lex.test", json: true, ...more }, () => Promise.resolve(password));
  const answer = () =>
    JSON.parse(printed) as { did: string; schemas: { id: string; status: string }[]; dns: object };
  const puts = () => requests.filter(({ method }) => method === "com.atproto.repo.putRecord").length;

  test("writes each schema once, says the TXT record, and leaves alone what is there", async () => {
    expect(await publish()).toBe(0);
    expect(answer()).toMatchObject({
      did,
      dns: { name: "_lexicon.email.community", type: "TXT", value: `did=${did}` },
    });
    expect(answer().schemas.map(({ status }) => status)).toEqual(ids.map(() => "written"));
    expect([...records.keys()]).toEqual(ids.map((name) => `community.email.${name}`));
    expect(records.get("community.email.defs")).toMatchObject({
      $type: "com.atproto.lexicon.schema",
      lexicon: 1,
      id: "community.email.defs",
    });
    records.set("community.email.defs", {
      $type: "com.atproto.lexicon.schema",
      lexicon: 1,
      id: "old",
      defs: {},
    });
    printed = "";
    await publish();
    expect(answer().schemas.filter(({ status }) => status === "written")).toEqual([
      { id: "community.email.defs", status: "written" },
    ]);
    expect(puts()).toBe(ids.length + 1);
  });

  test("--dry-run writes nothing and needs no password", async () => {
    expect(await publish({ dryRun: true }, "wrong")).toBe(0);
    expect(answer().schemas.every(({ status }) => status === "would")).toBe(true);
    expect(puts()).toBe(0);
    expect(requests.some(({ method }) => method.endsWith("createSession"))).toBe(false);
  });

  test("under an authority of one's own", async () => {
    await publish({ authority: "org.example.mail" });
    expect([...records.keys()]).toContain("org.example.mail.attestation");
    expect(answer().dns).toMatchObject({ name: "_lexicon.mail.example.org" });
  });

  test("faults are said with their remedy, and nothing is written", async () => {
    await expect(publish({}, "wrong")).rejects.toThrow(/createSession: 401.*--identifier/);
    await expect(publish({ authority: "x" })).rejects.toThrow(/no NSID authority/);
    await expect(publish({ pds: "http://192.0.2.1" })).rejects.toThrow(/https address/);
    const nobody = lexiconPublish({ pds, identifier: "lex.test" }, () => Promise.resolve(undefined));
    await expect(nobody).rejects.toThrow(/LEXICON_PASSWORD/);
    expect(puts()).toBe(0);
  });
});
