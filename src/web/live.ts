import { Hono, type Context } from "hono";
import { streamSSE } from "hono/streaming";
import type { Listeners } from "../lib/listeners.ts";
import type { Page } from "./session.ts";

/** Where pages hear that there is news of a member. */
export type LiveOptions = {
  news: Pick<Listeners, "listen">;
  /** Aborted when the server ends: it waits for nobody who only listens. */
  closing: AbortSignal;
  /** By default as it is in production. */
  bounds?: Partial<LiveBounds>;
};

type LiveRoutes = LiveOptions & {
  /** Null when whoever asks may see the page. */
  refuse: (c: Context, page: Page) => Promise<Response | null>;
  /** Whose places are counted together. */
  listenerOf: (c: Context) => string;
};

export type LiveBounds = {
  most: number;
  mostOfOne: number;
  /** The least between two that say there is news. */
  restMs: number;
  /** A comment, so that nothing between takes the silence for an end; and the session is looked at again. */
  heartbeatMs: number;
  /** Then it ends, and a page that is still open comes again. */
  longestMs: number;
};

const BOUNDS: LiveBounds = {
  most: 200,
  mostOfOne: 5,
  restMs: 1_000,
  heartbeatMs: 25_000,
  longestMs: 600_000,
};

/**
 * `/members/:did/live`: server-sent events (HTML Living Standard, 9.2). `news` says that something of this member changed,
 * and no more: the page asks for itself again, with the rights that it has then.
 */
export function liveRoutes({ news, closing, bounds, refuse, listenerOf }: LiveRoutes): Hono {
  const { most, mostOfOne, restMs, heartbeatMs, longestMs } = { ...BOUNDS, ...bounds };
  const app = new Hono();
  const places = createPlaces(most, mostOfOne);

  app.get("/members/:did/live", async (c) => {
    const did = c.req.param("did").slice(0, 2_048);
    const page: Page = { page: "member", did };
    const refused = await refuse(c, page);
    if (refused) return refused;
    const give = closing.aborted ? null : places.take(listenerOf(c));
    if (give === null) {
      c.header("retry-after", "60");
      return c.text("Too many pages listen: this one asks by itself now and then.", 503);
    }
    c.header("x-accel-buffering", "no");
    c.header("cache-control", "no-store");
    return streamSSE(c, async (stream) => {
      let isNews = false;
      let wake = nothing;
      const isOver = () => stream.aborted || closing.aborted;
      const rouse = () => wake();
      const stop = news.listen(did, () => {
        isNews = true;
        wake();
      });
      stream.onAbort(rouse);
      closing.addEventListener("abort", rouse);
      const rest = (ms: number) =>
        new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, ms);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
          if (isOver()) wake();
        });
      const begun = performance.now();
      let looked = begun;
      try {
        await stream.write("retry: 5000\n\n");
        while (!isOver() && performance.now() - begun < longestMs) {
          if (performance.now() - looked >= heartbeatMs) {
            looked = performance.now();
            if ((await refuse(c, page)) !== null) break;
            await stream.write(":\n\n");
          }
          if (!isNews) await rest(heartbeatMs);
          if (!isNews || isOver()) continue;
          isNews = false;
          await stream.writeSSE({ event: "news", data: "" });
          await rest(restMs);
        }
      } finally {
        stop();
        closing.removeEventListener("abort", rouse);
        give();
      }
    });
  });
  return app;
}

const nothing = () => {};

/** So many at once, and so many of one. `take` gives what gives the place back, or null. */
function createPlaces(most: number, mostOfOne: number) {
  const taken = new Map<string, number>();
  let all = 0;
  return {
    take(who: string): (() => void) | null {
      const own = taken.get(who) ?? 0;
      if (all >= most || own >= mostOfOne) return null;
      all += 1;
      taken.set(who, own + 1);
      return () => {
        all -= 1;
        const left = taken.get(who)! - 1;
        if (left === 0) taken.delete(who);
        else taken.set(who, left);
      };
    },
  };
}
