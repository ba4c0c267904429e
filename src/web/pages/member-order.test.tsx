import { expect, test } from "vitest";
import { warnedMember } from "../fixtures/member.fixture.ts";
import { changeAnchor } from "../paths.ts";
import { renderPage } from "../render.tsx";

const page = async () =>
  String(
    await renderPage(
      { page: "member", view: warnedMember, role: "owner" },
      { role: "member", did: warnedMember.did },
    ),
  );

test("what happened and what to do comes first, then standing and limits, then the rest", async () => {
  const html = await page();
  const parts = ['class="stack situation"', 'id="standing"', 'id="limits"', 'id="evidence"', 'id="domains"'];
  const at = parts.map((part) => html.indexOf(part));
  expect(at.every((one) => one > 0)).toBe(true);
  expect(at).toEqual(at.toSorted((a, b) => a - b));
});

test("a change of standing is one line, and its anchor is behind it, so that a browser led there opens it", async () => {
  const html = await page();
  const [change] = warnedMember.changes;
  const anchor = changeAnchor(change!.id);
  const fold = new RegExp(
    `<details id="change-line-${anchor}" class="fold"><summary>.*?</summary>.*?id="${anchor}"`,
    "s",
  );
  expect(html).toMatch(fold);
  expect(html.split(`id="${anchor}"`)).toHaveLength(2);
});
