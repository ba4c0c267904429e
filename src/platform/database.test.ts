import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Database } from "./database.ts";

let dir: string;
beforeEach(() => (dir = mkdtempSync(join(tmpdir(), "atmos-db-"))));
afterEach(() => rmSync(dir, { recursive: true }));

const first = { module: "thing", steps: ["CREATE TABLE thing (id INTEGER PRIMARY KEY, name TEXT) STRICT"] };

test("migrations run once and in order", () => {
  const path = join(dir, "a.sqlite");
  const one = new Database(path, [first]);
  one.run("INSERT INTO thing (name) VALUES (?)", "kept");
  one.close();
  const next = { ...first, steps: [...first.steps, "ALTER TABLE thing ADD COLUMN size INTEGER"] };
  const two = new Database(path, [next]);
  expect(two.get("SELECT name, size FROM thing")).toEqual({ name: "kept", size: null });
  two.close();
  expect(() => new Database(path, [first])).toThrow(/newer version/);
});

test("a failing transaction leaves nothing behind", () => {
  const db = new Database(":memory:", [first]);
  expect(() =>
    db.transaction(() => {
      db.run("INSERT INTO thing (name) VALUES ('x')");
      throw new Error("stop");
    }),
  ).toThrow("stop");
  expect(db.all("SELECT * FROM thing")).toEqual([]);
  db.close();
});

test("every commit is synced to disk", () => {
  const db = new Database(join(dir, "b.sqlite"), []);
  expect(db.get<{ synchronous: number }>("PRAGMA synchronous")).toEqual({ synchronous: 2 });
  expect(db.get<{ journal_mode: string }>("PRAGMA journal_mode")).toEqual({ journal_mode: "wal" });
  db.close();
});
