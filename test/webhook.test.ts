import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { memberWebhook } from "../src/cli/webhook.ts";
import type { Sandbox } from "../src/devnet/index.ts";
import { openSandbox } from "./open-sandbox.ts";

let env: string;
let sandbox: Sandbox;
let close: () => Promise<void>;
let did: string;
let receiver: Server;
let url: string;
let status = 204;
const got: { headers: IncomingHttpHeaders; body: string }[] = [];

beforeAll(async () => {
  receiver = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => (body += String(chunk)));
    request.on("end", () => {
      got.push({ headers: request.headers, body });
      response.writeHead(status).end();
    });
  }).listen(0, "127.0.0.1");
  await once(receiver, "listening");
  url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hooks`;
  ({ env, sandbox, close } = await openSandbox({
    operators: [{ name: "Alder", domain: "alder.test", perDay: 10 }],
  }));
  did = sandbox.serve.core!.members.domain("alder.test")!.did;
});
afterAll(async () => {
  await close();
  receiver.close();
});
afterEach(() => vi.restoreAllMocks());

async function run(command: () => Promise<number>, exit = 0) {
  let text = "";
  vi.spyOn(process.stdout, "write").mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  expect(await command()).toBe(exit);
  vi.restoreAllMocks();
  return JSON.parse(text) as Record<string, unknown>;
}
const hook = (options: object, exit = 0) =>
  run(() => memberWebhook(did, { env, json: true, by: "ada", ...options }), exit);

/** As a receiver checks it, by the specification and not by our code. */
function verified(secret: string, { headers, body }: (typeof got)[0]): boolean {
  const key = Buffer.from(secret.slice("whsec_".length), "base64");
  const signed = `${String(headers["webhook-id"])}.${String(headers["webhook-timestamp"])}.${body}`;
  return headers["webhook-signature"] === `v1,${createHmac("sha256", key).update(signed).digest("base64")}`;
}

test("a member's program is told of a change of standing, with cause, remedy and date, signed; and what fails is seen", async () => {
  expect(await hook({})).toMatchObject({ receiver: null });
  const { secret } = (await hook({ url })) as { secret: string };
  expect(await hook({ test: true })).toMatchObject({ ok: true, status: 204 });
  expect(JSON.parse(got[0]!.body)).toMatchObject({ type: "test" });
  expect(verified(secret, got[0]!)).toBe(true);

  const { core } = sandbox.serve;
  await core!.decide(did, "warned", { by: "ada", why: "Because of a test.", remedy: "Mend it." });
  await core!.webhooks.deliverDue();
  const told = got.at(-1)!;
  expect(verified(secret, told)).toBe(true);
  expect(JSON.parse(told.body)).toMatchObject({
    type: "standing.changed",
    data: {
      did,
      from: "good",
      to: "warned",
      by: "ada",
      description: "Because of a test.",
      remedy: "Mend it.",
      wayBack: { at: expect.stringMatching(/^\d{4}-/) as unknown },
      page: expect.stringContaining(`/members/${did}#changes`) as unknown,
    },
  });

  status = 500;
  await core!.decide(did, "good", { by: "ada", why: "It was a test." });
  await core!.webhooks.deliverDue();
  const { messages } = (await hook({})) as { messages: { state: string; why: string; tries: number }[] };
  expect(messages[0]).toMatchObject({ state: "waiting", why: "HTTP status 500", tries: 1 });
  expect(await hook({ test: true }, 1)).toMatchObject({ ok: false });
  await expect(hook({ url: "ftp://there" })).rejects.toThrow("must begin with https");
  expect(await hook({ none: true })).toEqual({ url: null });
});
