import { afterEach, beforeEach, expect, test } from "vitest";
import { QUEUE_COMMAND_TOPIC } from "../queue-commands.ts";
import { openCore } from "./core.fixture.ts";

const did = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
let here: Awaited<ReturnType<typeof openCore>>;
const core = () => here.core;

beforeEach(async () => {
  here = await openCore(Date.UTC(2026, 0, 1));
  const form = {
    name: "Ada Lovelace",
    contact: "ada@private.test",
    domains: ["ada.test"],
    daily: 5,
    purpose: "codes",
    pds: "ada.test",
    words: "hello",
  };
  core().admission.apply(did, form, "ada");
  core().admission.approve(did, { note: "Welcome, Ada Lovelace", by: "rosa" });
  await core().members.addDomain(did, "ada.test");
  core().members.setDomainStatus("ada.test", "active");
  const made = core().members.createCredential(did, ["ada.test"]);
  if ("error" in made) throw new Error(made.error);
  core().credentialUsed({ did, credential: made.id, at: here.clock.now(), address: "198.51.100.7" });
  core().webhooks.set(did, "https://ada.test/hooks", "ada");
  core().tokens.make(
    did,
    { name: "monitor of Ada Lovelace", scopes: ["read"], days: 9 },
    did,
    here.clock.now(),
  );
  await core().decide(did, "warned", { by: "rosa", why: "A test" });
});
afterEach(() => here.close());

/** Every text in every table of core. */
function everything(): string {
  const tables = here.db.all<{ name: string }>("SELECT name FROM sqlite_schema WHERE type = 'table'");
  return tables.map(({ name }) => JSON.stringify(here.db.all(`SELECT * FROM "${name}"`))).join("\n");
}

test("who has not left is refused", async () => {
  expect(await core().admission.forget(did, "rosa")).toMatchObject({ error: "not-left" });
  expect(await core().admission.forget("did:plc:zzzzzzzzzzzzzzzzzzzzzzzz", "rosa")).toMatchObject({
    error: "not-a-member",
  });
  expect(core().members.get(did)).toMatchObject({ name: "Ada Lovelace", deleted_at: null });
});

test("of who has left goes who it was; DID, dates, standing and what decided stay", async () => {
  core().admission.leave(did, { by: "ada", reason: "Moved to private.test" });
  await core().told();
  expect(everything()).toContain("Ada Lovelace");
  expect(await core().admission.forget(did, "rosa")).toMatchObject({ did, deleted_at: here.clock.now() });
  await core().told();
  const tables = here.db
    .all<{ name: string }>("SELECT name FROM sqlite_schema WHERE type = 'table'")
    .map(({ name }) => name)
    // The bus hands on and forgets; events and verdicts stay for their time.
    .filter((name) => !/^(bus_|event$|verdict$|judged$)/.test(name));
  const left = tables.map((name) => JSON.stringify(here.db.all(`SELECT * FROM "${name}"`))).join("\n");
  for (const gone of ["Ada Lovelace", "private.test", "198.51.100.7", "ada.test/hooks", "hello"])
    expect(left).not.toContain(gone);
  expect(core().members.get(did)).toMatchObject({ membership: "left", name: did, left_at: here.clock.now() });
  expect(core().members.credentialsOf(did)).toEqual([]);
  expect(core().standings.notes.list(did)).toEqual([]);
  expect(core().standings.state(did).standing).toBe("warned");
  expect(core().standings.changesOf(did, 10)).toHaveLength(1);
  expect(core().members.applications.of(did)).toMatchObject([{ state: "approved", name: "" }]);
});

test("relay nodes are told once to forget its mail, and who applies anew is nobody's shadow", async () => {
  const told: unknown[] = [];
  const listening = here.bus.subscribe(QUEUE_COMMAND_TOPIC, "test", async (batch, handled) => {
    told.push(...batch.map(({ value }) => value));
    handled();
  });
  core().admission.leave(did, { by: "ada", reason: "" });
  await core().admission.forget(did, "rosa");
  await here.bus.settle();
  expect(told).toContainEqual(
    expect.objectContaining({ action: "forget", did, by: "rosa", receivedUpTo: here.clock.now() }),
  );
  await listening.close();
  core().admission.join(did, "Ada again");
  expect(core().members.get(did)).toMatchObject({
    membership: "member",
    deleted_at: null,
    name: "Ada again",
  });
  expect(core().standings.state(did).standing).toBe("warned");
});
