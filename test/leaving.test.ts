import { afterAll, beforeAll, expect, test } from "vitest";
import { memberDelete, memberLeave } from "../src/cli/member.ts";
import { sendTest } from "../src/cli/send-test.ts";
import type { Sandbox } from "../src/devnet/index.ts";
import { createToken } from "../src/web/index.ts";
import { openSandbox } from "./open-sandbox.ts";
import { runCommand as run } from "./run-command.ts";

let env: string;
let sandbox: Sandbox;
let close: () => Promise<void>;
let did: string;

beforeAll(async () => {
  ({ env, sandbox, close } = await openSandbox());
  did = sandbox.serve.core!.members.domain("alder.test")!.did;
});
afterAll(() => close());

const send = (to: string) => {
  const [operator] = sandbox.operators;
  const { port } = sandbox.serve.relay!.addresses.tls[0]!;
  const url = `smtps://${operator!.username}:${operator!.secret}@127.0.0.1:${port}`;
  return run(() => sendTest(to, { url, from: operator!.from, ca: sandbox.world.caFile, json: true }));
};

async function logIn(): Promise<(path: string, fields?: Record<string, string>) => Promise<Response>> {
  const identity = { role: "member", did } as const;
  const token = createToken(
    sandbox.serve.sessionKey!,
    "link",
    identity,
    Date.now() + 60_000,
    "0123456789abcdef",
  );
  const ours = { origin: new URL(sandbox.urls.web).origin };
  const ask = (path: string, fields: Record<string, string> | undefined, cookie = "") =>
    fetch(`${sandbox.urls.web}${path}`, {
      redirect: "manual",
      headers: { ...ours, cookie },
      ...(fields && { method: "POST", body: new URLSearchParams(fields) }),
    });
  const cookie = (await ask("/login", { token })).headers.get("set-cookie")!.split(";")[0]!;
  return (path, fields) => ask(path, fields, cookie);
}

test("a member leaves by its own form, and has deleted what need not stay, at the relay too", async () => {
  await send("berta@bigmail.test");
  await sandbox.settle();
  const { spool } = sandbox.serve.relay!;
  expect(await spool.messages(did)).toHaveLength(1);
  await expect(memberDelete(did, { env, yes: true })).rejects.toThrow(/has not left/);
  await expect(memberDelete(did, { env })).rejects.toThrow(/with --yes/);

  const ask = await logIn();
  const page = await (await ask(`/members/${did}/leave`)).text();
  expect(page).toContain("alder.test: free at once");
  const left = await ask(`/members/${did}/leave/confirm`, { name: "alder.test", reason: "Moved" });
  expect(left.status).toBe(303);
  await sandbox.settle();
  expect(sandbox.serve.core!.members.get(did)).toMatchObject({ membership: "left", left_reason: "Moved" });
  expect((await send("berta@bigmail.test")).code).toBe(1);
  const labels = sandbox.serve.labeler!.labels.inForceOf(did).map(({ label }) => label.val);
  expect(labels).not.toContain("relay-member");

  const name = sandbox.serve.core!.members.get(did)!.name;
  expect((await ask(`/members/${did}/leave/deletion`, { name })).status).toBe(303);
  await sandbox.settle();
  expect(await spool.messages(did)).toEqual([]);
  expect(await (await ask(`/members/${did}/leave`)).text()).toContain("was deleted");
  const { text } = await run(() => memberDelete(did, { env, yes: true, json: true }));
  expect(JSON.parse(text)).toMatchObject({ did, stays: expect.arrayContaining([expect.anything()]) });
  await expect(memberLeave(did, { env })).rejects.toThrow(/has left/);
});
