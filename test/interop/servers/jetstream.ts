import { startGoProgram, type Restartable } from "./go-program.ts";
import { startMultikeyPlc } from "./plc-multikey.ts";

/** A DID that nobody has. */
const NOBODY = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";

export interface JetstreamOptions {
  /** Origin of the relay or PDS whose `subscribeRepos` it follows. */
  relayUrl: string;
  plcUrl: string;
}

/** The real Jetstream on loopback. Resolves when it takes subscribers. */
export async function startJetstream(options: JetstreamOptions): Promise<Restartable> {
  const plc = await startMultikeyPlc(options.plcUrl);
  try {
    const program = await startGoProgram("jetstream", ["serve"], {
      environment: (address, directory) => ({
        JETSTREAM_ADDR: address,
        JETSTREAM_DATA_DIR: directory,
        JETSTREAM_RELAY_URL: options.relayUrl,
        JETSTREAM_PLC_URL: plc.url,
        // Its archive begins now: unless told of accounts, it asks a relay for all hosts, which a PDS does not know.
        JETSTREAM_BACKFILL_REPOS: NOBODY,
      }),
      // 503 until its archive is complete; then 426, as no upgrade was asked for.
      ready: async (url) => (await fetch(`${url}/subscribe`)).status === 426,
    });
    const stop = async () => {
      await program.stop();
      await plc.stop();
    };
    return { ...program, stop, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await plc.stop();
    throw error;
  }
}
