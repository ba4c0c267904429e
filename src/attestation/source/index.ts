import { createSafeWebSocket } from "../../platform/websocket.ts";
import { jetstream } from "./jetstream.ts";
import type { Dialect, Source } from "./source.ts";
import { followStream, type Stream, type StreamParts } from "./stream.ts";
import { subscribeRepos } from "./subscribe-repos.ts";
import { tap } from "./tap.ts";

export type { RepoHint, Source } from "./source.ts";
export type { Stream } from "./stream.ts";

export type SourcesParts = Omit<StreamParts, "open"> & {
  collections: ReadonlySet<string>;
  /** Sandbox and tests: sources may be on private addresses. */
  allowPrivate: boolean;
};

/** Follows every source until closed. Which protocol a hint came by makes no difference to what is done with it. */
export function followSources(sources: readonly Source[], parts: SourcesParts): Stream {
  const streams = sources.map((source) => {
    const dialect = dialectOf(source, parts.collections);
    const open = createSafeWebSocket({ allowPrivate: parts.allowPrivate || dialect.own });
    return followStream(dialect, { ...parts, open });
  });
  return {
    async settle() {
      await Promise.all(streams.map((stream) => stream.settle()));
    },
    async close() {
      await Promise.all(streams.map((stream) => stream.close()));
    },
  };
}

function dialectOf(source: Source, collections: ReadonlySet<string>): Dialect {
  if (source.protocol === "repos") return subscribeRepos(source.url, collections);
  if (source.protocol === "jetstream") return jetstream(source.url, collections);
  return tap(source.url, source.password, collections);
}
