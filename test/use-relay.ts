import { afterEach, beforeEach } from "vitest";
import { MovableClock } from "../src/lib/clock.ts";
import { newDirectory, startRelay, stopRelay, type RelayOptions, type Testbed } from "./relay-harness.ts";
import { createSink, type SinkOptions } from "./relay-sink.ts";
import { createPeers } from "./smtp-peers.ts";

/** `port`: where it delivers to instead of the receiving server; 1 has nobody. */
type Around = { sink?: SinkOptions; relay?: RelayOptions; port?: number };

type Parts = {
  directory: ReturnType<typeof newDirectory>;
  sink: Awaited<ReturnType<typeof createSink>>;
  bed: Testbed;
};

/** A relay node and a receiving server, new for each test. */
export function useRelay(usual: Around = {}) {
  const peers = createPeers();
  type Start = RelayOptions & { port?: number };
  const start = ({ port = usual.port ?? here.sink.port, ...options }: Start, clock: MovableClock) =>
    startRelay(here.directory.path, port, clock, { ...usual.relay, ...options });

  const here = Object.assign({} as Parts, {
    /** Speaks SMTP by hand: in clear, under TLS, logged in. */
    plain: () => peers.plain(here.bed),
    overTls: (options = {}) => peers.overTls(here.bed, options),
    loggedIn: () => peers.loggedIn(here.bed),
    /** Ends the relay node, does `between`, and starts it again with the same files. */
    async restart(options: Start = {}, between?: () => void): Promise<void> {
      await stopRelay(here.bed);
      between?.();
      here.bed = await start(options, here.bed.clock);
    },
    /** Another receiving server, and the relay node again. */
    async withSink(options: SinkOptions): Promise<void> {
      await here.sink.close();
      here.sink = await createSink(options);
      await here.restart();
    },
  });

  beforeEach(async () => {
    here.directory = newDirectory();
    here.sink = await createSink(usual.sink);
    here.bed = await start({}, new MovableClock(Date.now()));
  });
  afterEach(async () => {
    peers.close();
    await stopRelay(here.bed);
    await here.sink.close();
    here.directory.remove();
  });
  return here;
}
