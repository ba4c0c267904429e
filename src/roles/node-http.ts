import type { Hono } from "hono";
import { systemClock, type Clock } from "../lib/clock.ts";
import type { Logger } from "../platform/log.ts";
import { readToken } from "../web/index.ts";
import { committeeApi } from "./committee-api.ts";
import { relayApis } from "./relay-apis.ts";
import type { RunningRelay } from "./relay.ts";

/** What a relay node without core answers the command line on its host: its queue, inbox, addresses and measures. */
export function mountNode(
  app: Hono,
  {
    relay,
    sessionKey,
    clock,
    log,
  }: { relay: RunningRelay; sessionKey: Uint8Array; clock: Clock; log: Logger },
): void {
  const mayAct = (token: string | undefined) => {
    const read = readToken(sessionKey, "api", token, systemClock.now());
    return read.ok && read.identity.role === "committee";
  };
  app.route("/api", relayApis({ relay, core: undefined, clock, mayAct, log }));
  const elsewhere = committeeApi({ mayAct, log });
  elsewhere.all("/*", (c) => {
    const message =
      "This is a relay node without core: ask on the host of the core, with its environment file.";
    return c.json({ error: "NotHere", message }, 404);
  });
  app.route("/api", elsewhere);
}
