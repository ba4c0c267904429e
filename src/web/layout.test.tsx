import { expect, test } from "vitest";
import { assets, assetVersion } from "./assets/index.ts";
import { layout } from "./layout.tsx";

test("a page is a whole document without inline style or script, and escapes what it is given", async () => {
  const page = String(
    await layout({
      title: "<script>alert(1)</script>",
      nav: [{ href: "/", text: "Overview", current: true }],
      viewer: { text: "pds.example<img src=x>", logoutPath: "/logout" },
      liveSeconds: 5,
      children: <p>Hello</p>,
    }),
  );
  expect(page).toMatch(/^<!doctype html><html lang="en">/);
  expect(page).not.toContain("<script>alert");
  expect(page).not.toContain("<img src=x>");
  expect(page).not.toMatch(/\sstyle=|<style|\son[a-z]+=/);
  expect(page).toContain('aria-current="page"');
  expect(page).toContain('<noscript><meta http-equiv="refresh"');
  expect(page).toContain('<main id="content"');
});

test("assets come with their type, a lasting cache when asked by version, and answer 304 to a known tag", async () => {
  const app = assets();
  const sheet = await app.request(`/style.css?v=${assetVersion}`);
  expect(sheet.headers.get("content-type")).toBe("text/css; charset=utf-8");
  expect(sheet.headers.get("cache-control")).toContain("immutable");
  const tag = sheet.headers.get("etag") ?? "";
  expect(tag).not.toBe("");
  expect((await app.request("/style.css", { headers: { "if-none-match": tag } })).status).toBe(304);
  for (const name of ["page.js", "mark.svg", "text.woff2", "text-ext.woff2", "mono.woff2"]) {
    expect((await app.request(`/${name}`)).status, name).toBe(200);
  }
  expect((await app.request("/nothing")).status).toBe(404);
});
