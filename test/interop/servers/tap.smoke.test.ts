import { once } from "node:events";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { startPds } from "./pds.ts";
import { until } from "./process.ts";
import { startTap } from "./tap.ts";

const COLLECTION = "community.email.attestation";
/** Nothing answers there, so no handle is looked up outside. */
const NO_RESOLVER = "127.0.0.254";
const authorization = `Basic ${Buffer.from("admin:secret").toString("base64")}`;

type Event = { id: number; type: string; record?: Record<string, unknown> };

async function listen(url: string) {
  const socket = new WebSocket(`${url.replace("http", "ws")}/channel`, { headers: { authorization } });
  const events: Event[] = [];
  socket.on("message", (data: Buffer) => events.push(JSON.parse(data.toString()) as Event));
  await once(socket, "open");
  const acknowledge = ({ id }: Event) => socket.send(JSON.stringify({ type: "ack", id }));
  return { events, acknowledge, [Symbol.dispose]: () => socket.terminate() };
}

test("Tap asks for its password; it fetches an account it is told of, and repeats what is not acknowledged", async () => {
  await using pds = await startPds();
  const session = await pds.createAccount("alder.test", "ops@alder.test", "pass-word-1");
  const { did } = session;
  const record = { domain: "alder.test", createdAt: "2026-11-22T12:00:00.000Z" };
  const { cid } = await pds.putRecord(session, COLLECTION, "alder.test", record);
  await using tap = await startTap({
    relayUrl: pds.pdsUrl,
    plcUrl: pds.plcUrl,
    collections: [COLLECTION],
    adminPassword: "secret",
    retrySeconds: 1,
    resolver: NO_RESOLVER,
  });
  expect((await fetch(`${tap.url}/channel`)).status).toBe(401);

  using channel = await listen(tap.url);
  const added = await fetch(`${tap.url}/repos/add`, {
    method: "POST",
    headers: { authorization, "content-type": "application/json" },
    body: JSON.stringify({ dids: [did] }),
  });
  expect(added.ok).toBe(true);
  const records = () => channel.events.filter(({ type }) => type === "record");
  const held = await until("what the account holds", () => records()[0]);
  expect(held).toEqual({
    id: expect.any(Number),
    type: "record",
    record: {
      live: false,
      did,
      rev: expect.any(String),
      collection: COLLECTION,
      rkey: "alder.test",
      action: "create",
      record: { $type: COLLECTION, ...record },
      cid,
    },
  });

  await until("it again, unacknowledged", () => records().length >= 2);
  expect(records()[1]).toEqual(held);
  // A change waits until all before it was acknowledged.
  await pds.deleteRecord(session, COLLECTION, "alder.test");
  for (const event of channel.events) channel.acknowledge(event);
  const deleted = await until("the change", () =>
    records().find(({ record: body }) => body?.["action"] === "delete"),
  );
  expect(deleted.record).toEqual({
    live: true,
    did,
    rev: expect.any(String),
    collection: COLLECTION,
    rkey: "alder.test",
    action: "delete",
  });

  await tap.end("SIGKILL");
  await tap.start();
  using after = await listen(tap.url);
  // Acknowledgements of the last ten seconds are forgotten, and what came before it holds a change back.
  await until("what was not acknowledged, after SIGKILL", () => {
    for (const event of after.events) if (event.id !== deleted.id) after.acknowledge(event);
    return after.events.some((event) => event.id === deleted.id);
  });
});
