import { describe, expect, test } from "vitest";
import { MovableClock } from "../lib/clock.ts";
import { Database } from "../platform/database.ts";
import { silentLog } from "../platform/log.ts";
import type { Identity } from "../account/index.ts";
import { createWeb } from "./app.ts";
import { committeeOverview, publicOverview } from "./fixtures/pool.fixture.ts";
import { NOW } from "./fixtures/seed.fixture.ts";
import { sessionsFixture } from "./fixtures/session.fixture.ts";
import { createUsedLinks, usedLinksMigration } from "./used-links.ts";
import type { ExportPages } from "./view-export.ts";

const did = "did:plc:ada";
const other = "did:plc:ben";
const view = {
  asOf: NOW,
  did,
  domain: "ada.test",
  files: [{ name: "member.json", about: "<script>" }],
  proof: { refused: "None yet." },
};

async function* bytes(text: string) {
  yield Buffer.from(text);
}

function setUp(own: Partial<ExportPages> = {}) {
  const { sessions, people, cookie } = sessionsFixture(NOW);
  people.put(did, "did:plc:manager", "manager", "ada", NOW);
  people.put(did, "did:plc:viewer", "viewer", "ada", NOW);
  const app = createWeb({
    queries: {
      publicOverview: async () => publicOverview,
      committeeOverview: async () => committeeOverview,
      member: async () => null,
      label: async () => null,
    },
    exports: {
      view: async (asked) => (asked === did ? view : null),
      archive: (_, whole) => ({ name: "a.zip", type: "application/zip", bytes: bytes(`whole ${whole}`) }),
      proof: async () => ({ name: "proof.jws", type: "application/jose", bytes: bytes("a.b.c") }),
      ...own,
    },
    sessionKey: new Uint8Array(32).fill(9),
    usedLinks: createUsedLinks(new Database(":memory:", [usedLinksMigration])),
    sessions,
    people,
    clock: new MovableClock(NOW),
    publicUrl: "https://mail.example",
    log: silentLog,
  });
  return (method: string, path: string, who: Identity | null, site = "same-origin") =>
    app.request(`/members/${path}`, { method, headers: { cookie: cookie(who), "sec-fetch-site": site } });
}

const person = (name: string) => ({ role: "person", did: `did:plc:${name}` }) as const;
const WHO: Record<string, Identity | null> = {
  nobody: null,
  "by link": { role: "member", did },
  owner: person("ada"),
  manager: person("manager"),
  viewer: person("viewer"),
  "another member": { role: "member", did: other },
  "another person": person("eve"),
  committee: { role: "committee" },
};

describe("who may take what", () => {
  const page = `${did}/export`;
  const [archive, proof] = [`${page}/archive`, `${page}/proof`];
  test.each<[string, string, string, number, string?]>([
    ["nobody", "GET", page, 403],
    ["nobody", "POST", archive, 403],
    ["nobody", "GET", proof, 403],
    ["by link", "GET", page, 200],
    ["by link", "POST", archive, 200, "whole true"],
    ["owner", "GET", page, 200],
    ["owner", "POST", archive, 200, "whole true"],
    ["owner", "GET", proof, 200, "a.b.c"],
    ["manager", "GET", page, 200],
    ["manager", "POST", archive, 200, "whole false"],
    ["viewer", "GET", page, 200],
    ["viewer", "POST", archive, 403],
    ["viewer", "GET", proof, 200, "a.b.c"],
    ["another member", "GET", page, 404],
    ["another member", "POST", archive, 404],
    ["another member", "GET", proof, 404],
    ["another person", "GET", page, 404],
    ["another person", "POST", archive, 404],
    ["committee", "GET", page, 200],
    ["committee", "POST", archive, 200, "whole false"],
    ["committee", "GET", `${other}/export`, 404],
    ["owner", "GET", archive, 404],
  ])("%s: %s %s is answered %i", async (who, method, path, status, text) => {
    const answer = await setUp()(method, path, WHO[who]!);
    expect(answer.status).toBe(status);
    if (text !== undefined) {
      expect(await answer.text()).toBe(text);
      expect(answer.headers.get("content-disposition")).toMatch(/^attachment; filename="[\w.]+"$/);
      expect(answer.headers.get("cache-control")).toBe("no-store");
    }
  });
});

test("no other page makes a browser take it", async () => {
  expect((await setUp()("POST", `${did}/export/archive`, WHO["owner"]!, "cross-site")).status).toBe(403);
});

test("what a page shows is text, and a viewer reads why it may not", async () => {
  const html = await (await setUp()("GET", `${did}/export`, WHO["viewer"]!)).text();
  expect(html).toContain("&lt;script&gt;");
  expect(html).toContain("None yet.");
  expect(html).toMatch(/<button type="submit" disabled/);
  expect(html).toContain("a manager or the owner takes the export");
});

test("what is refused is said in words", async () => {
  const busy = setUp({ archive: () => ({ refused: "Two are under way." }) });
  const answer = await busy("POST", `${did}/export/archive`, WHO["owner"]!);
  expect([answer.status, await answer.text()]).toEqual([409, expect.stringContaining("Two are under way.")]);
});

test("a browser that goes away ends the reading", async () => {
  let ended = false;
  async function* endless() {
    try {
      for (;;) yield Buffer.alloc(1_000);
    } finally {
      ended = true;
    }
  }
  const ask = setUp({ archive: () => ({ name: "a.zip", type: "application/zip", bytes: endless() }) });
  const answer = await ask("POST", `${did}/export/archive`, WHO["owner"]!);
  const reader = answer.body!.getReader();
  await reader.read();
  await reader.cancel();
  expect(ended).toBe(true);
});
