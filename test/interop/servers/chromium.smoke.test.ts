import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startChromium } from "./chromium.ts";
import { removeDirectory, temporaryDirectory } from "./process.ts";

const page = `<!doctype html><meta name="viewport" content="width=device-width"><title>Probe</title>
<style>body{background:white}@media(prefers-color-scheme:dark){body{background:black;color:white}}
@media(min-width:600px){.phone{display:none}}</style>
<p class="phone">Small screen</p><p>Cookie: COOKIE</p><p id="script">no script</p>
<div style="width:500px">wide</div><form method="post"><button>Send</button></form>
<script>document.querySelector("#script").textContent = "script ran"</script>`;

async function startPages() {
  const server = createServer((request, response) => {
    const body = request.method === "POST" ? "<title>Sent</title>" : page;
    response.writeHead(request.url === "/missing" ? 404 : 200, { "content-type": "text/html" });
    response.end(body.replace("COOKIE", request.headers.cookie ?? "none"));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const stop = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { port, url: `http://127.0.0.1:${port}/`, [Symbol.asyncDispose]: stop };
}

/** Width from the IHDR chunk of a PNG. */
const pngWidth = (png: Buffer) => png.readUInt32BE(16);

test("Chromium shows a page to a phone and a desktop, in light and dark, with cookies, with and without scripts", async () => {
  await using pages = await startPages();
  await using chromium = await startChromium({ hosts: ["portal.test"] });
  const directory = await temporaryDirectory("shots");
  try {
    const path = join(directory, "phone.png");
    const phone = await chromium.screenshot(pages.url, {
      width: 390,
      dark: true,
      cookies: { session: "s3cret" },
      path,
    });
    expect(phone).toMatchObject({ status: 200, title: "Probe", overflows: true, errors: [] });
    expect(phone.text).toMatch(/Small screen[^]*Cookie: session=s3cret[^]*script ran/);
    expect(pngWidth(await readFile(path))).toBeGreaterThanOrEqual(390);

    const desktop = join(directory, "desktop.png");
    const large = await chromium.screenshot(`http://portal.test:${pages.port}/missing`, {
      javascript: false,
      path: desktop,
    });
    expect(large).toMatchObject({ status: 404, overflows: false });
    expect(large.text).toContain("no script");
    expect(large.text).not.toContain("Small screen");
    expect(pngWidth(await readFile(desktop))).toBe(1280);

    const background = await chromium.visit(pages.url, { dark: true }, async (page) => {
      await page.goto(pages.url);
      const colour = await page.evaluate("getComputedStyle(document.body).backgroundColor");
      await page.click("button");
      return [colour, await page.title()];
    });
    expect(background).toEqual(["rgb(0, 0, 0)", "Sent"]);
  } finally {
    await removeDirectory(directory);
  }
});
