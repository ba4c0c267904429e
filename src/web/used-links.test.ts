import { expect, test } from "vitest";
import { Database } from "../platform/database.ts";
import { createUsedLinks, usedLinksMigration } from "./used-links.ts";

const NOW = 1_773_324_300_000;
const HOUR = 3_600_000;

test("a link is used once, also by another process, and when the clock was ahead for a day", () => {
  const db = new Database(":memory:", [usedLinksMigration]);
  const links = createUsedLinks(db);
  expect(links.usedAt("a")).toBeUndefined();
  expect(links.use("a", NOW + HOUR, NOW)).toBeUndefined();
  expect(links.use("b", NOW + 25 * HOUR, NOW + 24 * HOUR)).toBeUndefined();
  expect(links.use("a", NOW + HOUR, NOW + 1)).toBe(NOW);
  expect(createUsedLinks(db).usedAt("a")).toBe(NOW);
});

test("what nobody can use any more is forgotten", () => {
  const db = new Database(":memory:", [usedLinksMigration]);
  const links = createUsedLinks(db);
  for (let day = 0; day < 30; day++) {
    const now = NOW + day * 24 * HOUR;
    links.use(`link${day}`, now + HOUR, now);
  }
  expect(db.get("SELECT count(*) AS n FROM access_link_used")).toEqual({ n: 8 });
});
