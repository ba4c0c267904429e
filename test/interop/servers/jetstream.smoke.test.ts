import { once } from "node:events";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { startJetstream } from "./jetstream.ts";
import { startPds } from "./pds.ts";
import { until } from "./process.ts";

const COLLECTION = "community.email.attestation";

type Event = { did: string; time_us: number; kind: string; commit?: Record<string, unknown> };

async function subscribe(url: string, parameters: Record<string, string>) {
  const socket = new WebSocket(`${url.replace("http", "ws")}/subscribe?${new URLSearchParams(parameters)}`);
  const events: Event[] = [];
  socket.on("message", (data: Buffer) => events.push(JSON.parse(data.toString()) as Event));
  await once(socket, "open");
  return { events, [Symbol.dispose]: () => socket.terminate() };
}

test("Jetstream tells what happens in a PDS, as asked, and again from a time on, over its own end", async () => {
  await using pds = await startPds();
  await using jetstream = await startJetstream({ relayUrl: pds.pdsUrl, plcUrl: pds.plcUrl });
  using wanted = await subscribe(jetstream.url, { wantedCollections: COLLECTION });
  const session = await pds.createAccount("alder.test", "ops@alder.test", "pass-word-1");
  const { did } = session;
  const record = { domain: "alder.test", createdAt: "2026-11-22T12:00:00.000Z" };
  await pds.putRecord(session, "app.bsky.actor.profile", "self", { displayName: "not asked for" });
  const { cid } = await pds.putRecord(session, COLLECTION, "alder.test", record);
  await pds.deleteRecord(session, COLLECTION, "alder.test");

  const commits = (events: Event[]) => events.filter(({ kind }) => kind === "commit");
  await until("two commits", () => commits(wanted.events).length === 2);
  const [created, deleted] = commits(wanted.events) as [Event, Event];
  const place = { rev: expect.any(String), collection: COLLECTION, rkey: "alder.test" };
  const written = { ...place, operation: "create", cid, record: { $type: COLLECTION, ...record } };
  expect(created).toMatchObject({ did, time_us: expect.any(Number), commit: written });
  expect(deleted).toMatchObject({ did, commit: { ...place, operation: "delete" } });
  expect(deleted.commit).not.toHaveProperty("record");
  expect(deleted.time_us).toBeGreaterThan(created.time_us);
  expect(new Set(wanted.events.map(({ kind }) => kind))).toEqual(new Set(["identity", "account", "commit"]));

  // How far it has come at the PDS is stored with each 4096 events, and at its end.
  await jetstream.end();
  await pds.putRecord(session, COLLECTION, "alder.test", record);
  await jetstream.start();
  const from = { wantedCollections: COLLECTION, cursor: String(deleted.time_us) };
  using again = await subscribe(jetstream.url, from);
  // It may begin before that time, with the first event of its newest segment.
  await until("the commit that it missed", () =>
    commits(again.events).some(({ commit, time_us }) => commit?.["cid"] === cid && time_us > deleted.time_us),
  );
});
