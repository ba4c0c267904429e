import { Hono } from "hono";
import { cors } from "hono/cors";
import { labelToJson } from "../protocol/labels/index.ts";
import { labelerDidDocument } from "./did-document.ts";
import type { Labels } from "./labels.ts";
import { parseLabelQuery } from "./query.ts";

/** `com.atproto.label.queryLabels`, and the DID document when the labeler is a did:web. */
export function labelRoutes(labels: Labels): Hono {
  const app = new Hono();
  app.use("/xrpc/com.atproto.label.queryLabels", cors());
  app.use("/.well-known/did.json", cors());

  app.get("/xrpc/com.atproto.label.queryLabels", async (c) => {
    const query = parseLabelQuery(new URL(c.req.url).searchParams);
    if ("invalid" in query) return c.json({ error: "InvalidRequest", message: query.invalid }, 400);
    if (query.sources && !query.sources.includes(labels.did)) return c.json({ labels: [] });
    const rows = await labels.current(query.ranges, query.cursor, query.limit + 1);
    const page = rows.slice(0, query.limit);
    const more = rows.length > query.limit ? { cursor: String(page.at(-1)!.seq) } : {};
    return c.json({ ...more, labels: page.map((row) => labelToJson(row.label)) });
  });

  app.get("/xrpc/com.atproto.label.subscribeLabels", (c) => {
    const message =
      "subscribeLabels is a WebSocket: ask for an upgrade. Behind a proxy, let it pass upgrades on.";
    return c.json({ error: "UpgradeRequired", message }, 426, {
      upgrade: "websocket",
      connection: "Upgrade",
    });
  });

  const { did, endpoint } = labels;
  if (did.startsWith("did:web:") && endpoint !== undefined) {
    app.get("/.well-known/did.json", (c) => c.json(labelerDidDocument(did, labels.keyId, endpoint)));
  }
  return app;
}
