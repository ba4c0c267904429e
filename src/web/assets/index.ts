import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { Hono } from "hono";
import { etag } from "hono/etag";
import { markSvg } from "./mark.ts";
import { pageScript } from "./script.ts";
import { baseStyle } from "./style-base.ts";
import { partStyle } from "./style-parts.ts";

type Asset = { type: string; body: string | Uint8Array<ArrayBuffer> };

const styleSheet = baseStyle + partStyle;
const ICON_COLOUR = "#1f8296";

/** Changes when the style sheet or the script changes; the pages ask for both with `?v=`. */
export const assetVersion = createHash("sha256")
  .update(styleSheet)
  .update(pageScript)
  .digest("base64url")
  .slice(0, 10);

const FONTS = {
  "text.woff2": "next/files/atkinson-hyperlegible-next-latin-wght-normal.woff2",
  "text-ext.woff2": "next/files/atkinson-hyperlegible-next-latin-ext-wght-normal.woff2",
  "mono.woff2": "mono/files/atkinson-hyperlegible-mono-latin-wght-normal.woff2",
};

/**
 * Serves `/assets/*`: style sheet, script, icon and the two type faces (Atkinson Hyperlegible Next and Mono, OFL-1.1:
 * made so that l, 1, I and O, 0 cannot be confused, which matters in DNS records). Mount it at `/assets`.
 */
export function assets(): Hono {
  const files = new Map<string, Asset>([
    ["style.css", { type: "text/css; charset=utf-8", body: styleSheet }],
    ["page.js", { type: "text/javascript; charset=utf-8", body: pageScript }],
    ["mark.svg", { type: "image/svg+xml", body: markSvg(ICON_COLOUR) }],
  ]);
  const require = createRequire(import.meta.url);
  for (const [name, path] of Object.entries(FONTS)) {
    const file = require.resolve(`@fontsource-variable/atkinson-hyperlegible-${path}`);
    files.set(name, { type: "font/woff2", body: new Uint8Array(readFileSync(file)) });
  }

  const app = new Hono();
  app.use(etag());
  app.get("/:name", (c) => {
    const file = files.get(c.req.param("name"));
    if (!file) return c.text("There is no such file.", 404);
    const lasting = c.req.query("v") === assetVersion || file.type === "font/woff2";
    return c.body(file.body, 200, {
      "content-type": file.type,
      "cache-control": lasting ? "public, max-age=31536000, immutable" : "public, max-age=300",
      "x-content-type-options": "nosniff",
    });
  });
  return app;
}
