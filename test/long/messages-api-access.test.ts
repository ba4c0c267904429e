import { rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { asBob, login, mail, useApi } from "../messages-api-harness.ts";
import { client, member, refusal } from "../relay-harness.ts";

const here = useApi();

describe("who may ask", () => {
  test.each<[string, Record<string, string>]>([
    ["nobody", { authorization: "" }],
    ["a wrong secret", { authorization: login("alice", "wrong") }],
    ["an unknown name", { authorization: login("carol") }],
    ["a bearer", { authorization: "Bearer alice.secret" }],
    ["no base64", { authorization: "Basic alice:secret" }],
  ])("%s: 401", async (_name, headers) => {
    for (const answer of [
      await here.api.post(mail, headers),
      await here.api.ask("GET", "/messages", { headers }),
      await here.api.ask("GET", "/messages/abcdefghijklmnop", { headers }),
    ]) {
      expect(answer).toMatchObject({ status: 401, body: { reason: "auth" } });
      expect(answer.headers.get("www-authenticate")).toMatch(/^Basic /);
    }
  });

  test("a revoked credential no more", async () => {
    await here.change({ credentials: [{ ...member.credentials[0]!, revoked: true }] });
    expect(await here.api.post(mail)).toMatchObject({ status: 401 });
  });

  test.each([
    ["2001:db8::7", "2001:db8::7"],
    ["::ffff:192.0.2.7", "192.0.2.7"],
  ])("core hears from where it was used: %s", async (client, address) => {
    await here.api.ask("GET", "/messages", { headers: { "x-forwarded-for": client } });
    expect(here.bed.uses).toMatchObject([{ credential: "c1", address }]);
  });

  test("the guard of log-ins is the one of SMTP", async () => {
    const wrong = { headers: { authorization: login("alice", "wrong") } };
    let last = await here.api.ask("GET", "/messages", wrong);
    for (let i = 0; i < 10; i++) last = await here.api.ask("GET", "/messages", wrong);
    expect(last).toMatchObject({ status: 429, body: { reason: "auth" } });
    expect(Number(last.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(await refusal(client(here.bed, { pass: "wrong" }).verify())).toMatch(/^421 /);
    expect(await here.api.ask("GET", "/messages")).toMatchObject({ status: 200 });
  });

  test("requests at fault are bounded for each address, and others go on", async () => {
    const statuses = [];
    for (let i = 0; i < 60; i++) statuses.push((await here.api.post({})).status);
    expect(statuses.filter((status) => status === 400).length).toBeLessThan(50);
    const refused = await here.api.post(mail);
    expect(refused).toMatchObject({ status: 429, body: { reason: "too-many-requests" } });
    const other = { "x-forwarded-for": "192.0.2.7" };
    expect((await here.api.post(mail, other)).status).toBe(202);
    here.clock.advance(60_000);
    expect((await here.api.post(mail)).status).toBe(202);
  });

  test.each<[string, string, string[], string | undefined, number]>([
    ["https before the proxy", "https://coop.test", ["127.0.0.1"], "https", 202],
    ["http before the proxy", "https://coop.test", ["127.0.0.1"], "http", 403],
    ["http behind another proxy", "https://coop.test", ["127.0.0.1"], "https, http", 403],
    ["this host itself", "https://coop.test", [], undefined, 202],
    ["a sandbox", "http://127.0.0.1:8080", ["127.0.0.1"], undefined, 202],
  ])("%s", async (_name, publicUrl, trustedProxies, proto, status) => {
    await here.again({ publicUrl, trustedProxies });
    const answer = await here.api.post(mail, proto === undefined ? {} : { "x-forwarded-proto": proto });
    expect(answer.status).toBe(status);
    if (status === 403) expect(answer.body).toMatchObject({ reason: "https" });
  });

  test("a body of a million fields holds nobody up", async () => {
    const fields = Array.from({ length: 1_000_000 }, (_, i) => `"a${i}":1`).join(",");
    const body = `{"headers":{${fields}}}`;
    const json = { "content-type": "application/json" };
    const begun = performance.now();
    expect(await here.api.ask("POST", "/messages", { body, headers: json })).toMatchObject({
      status: 400,
      body: { message: "The body has more than 10000 values" },
    });
    expect(performance.now() - begun).toBeLessThan(3_000);
  });

  test("no page of another site: CORS is not offered", async () => {
    const { status, headers } = await here.api.ask("OPTIONS", "/messages", {
      headers: { origin: "https://evil.test", "access-control-request-method": "POST" },
    });
    expect(status).toBe(404);
    expect([...headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([]);
  });
});

describe("an Idempotency-Key", () => {
  const key = { "idempotency-key": "8e03978e-40d5-43e8-bc93-6894a57f9324" };

  test("has the same answer, and the message is taken once", async () => {
    const to = ["a@a.test", "gone@a.test"];
    const first = await here.api.post({ ...mail, to }, key);
    here.clock.advance(5_000);
    const again = await here.api.post({ ...mail, to }, { "idempotency-key": `"${key["idempotency-key"]}"` });
    expect([again.status, again.body]).toEqual([202, first.body]);
    expect(await here.api.post({ ...mail, to, text: "other" }, key)).toMatchObject({
      status: 422,
      body: { reason: "key-reused" },
    });
    const other = { ...key, ...asBob };
    expect((await here.api.post({ ...mail, from: "a@other.test" }, other)).status).toBe(202);
    expect((await here.bed.spool.messages(member.did)).length).toBe(1);
  });

  test("two at once: one is taken, the other hears 409 or the same answer", async () => {
    const answers = await Promise.all([1, 2, 3, 4].map(() => here.api.post(mail, key)));
    const taken = answers.filter(({ status }) => status === 202);
    expect(taken.length).toBeGreaterThan(0);
    expect(new Set(taken.map(({ body }) => body.id)).size).toBe(1);
    for (const { status, body } of answers)
      if (status !== 202) expect([status, body.reason]).toEqual([409, "in-flight"]);
    expect((await here.bed.spool.messages(member.did)).length).toBe(1);
  });

  test("while the first is being signed the second hears 409", async () => {
    let second: Promise<{ status: number }> | undefined;
    here.bed.hooks.onOpen = () => void (second ??= here.api.post(mail, key));
    const first = await here.api.post(mail, key);
    expect(first.status).toBe(202);
    expect([202, 409]).toContain((await second!).status);
    expect((await here.bed.spool.messages(member.did)).length).toBe(1);
  });

  test.each([
    ["the answers kept", false],
    ["the answers lost, as in a crash before they were written", true],
  ])("a restart in between, %s", async (_name, lost) => {
    const to = ["a@a.test", "gone@a.test"];
    const first = await here.api.post({ ...mail, to }, key);
    const files = ["", "-wal", "-shm"].map((end) => join(here.dir.path, `messages-api.sqlite${end}`));
    await here.restart(() => lost && files.forEach((file) => rmSync(file, { force: true })));
    const again = await here.api.post({ ...mail, to }, key);
    expect([again.status, again.body.id, again.body.state]).toEqual([202, first.body.id, "queued"]);
    if (!lost) expect(again.body).toEqual(first.body);
    expect(again.body.recipients.map((r: { status: string }) => r.status)).toEqual(["accepted", "refused"]);
    expect((await here.api.post({ ...mail, to, text: "other" }, key)).status).toBe(422);
    expect((await here.bed.spool.messages(member.did)).length).toBe(1);
  });

  test("what was refused may be tried again", async () => {
    await here.change({ standing: "suspended" });
    expect((await here.api.post(mail, key)).status).toBe(403);
    await here.change({ version: 3 });
    expect((await here.api.post(mail, key)).status).toBe(202);
  });
});
