import { generateKeyPairSync } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import {
  accepts,
  cacheDirectory,
  freePort,
  removeDirectory,
  run,
  temporaryDirectory,
} from "../../test/interop/servers/process.ts";
import { withResolver } from "../../test/interop/servers/resolver.ts";
import { PEER_LOGIN, type Side } from "../sides.ts";
import { POOL_HOST, RESOLVER, type World } from "../world.ts";

const PACKAGE = join(cacheDirectory(), "haraka/node_modules/Haraka");

export type HarakaOptions = {
  /** Default: yes, by its DKIM plugin, which makes one RSA-2048 signature. */
  signs?: boolean;
  /** Deliveries at once, of all its processes together; default 40. */
  deliveries?: number;
};

export interface Haraka extends Side {
  /** It looks at its files by itself. */
  setDeliveries(deliveries: number): Promise<void>;
}

/**
 * Haraka with a process for each core, TLS and AUTH. What it accepts is a file of its queue that it has synced, but not
 * its directory.
 */
export async function startHaraka(world: World, options: HarakaOptions = {}): Promise<Haraka> {
  const directory = await temporaryDirectory("haraka");
  const port = await freePort();
  const setDeliveries = (deliveries: number) =>
    writeFile(join(directory, "config", "outbound.ini"), outboundIni(deliveries));
  await configure(directory, world, port, options.signs ?? true);
  await setDeliveries(options.deliveries ?? 40);
  try {
    const running = await run(
      ...withResolver(RESOLVER.host, process.execPath, [join(PACKAGE, "bin/haraka"), "-c", directory]),
      {
        env: { ATMOS_TEST_CACHE: undefined },
        ready: () => accepts({ host: "127.0.0.1", port }),
      },
    );
    const stop = async () => {
      await running.stop();
      await removeDirectory(directory);
    };
    return {
      name: "Haraka",
      submission: { host: "127.0.0.1", port },
      logins: [PEER_LOGIN],
      roots: () => [running.pid],
      setDeliveries,
      stop,
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await removeDirectory(directory);
    throw error;
  }
}

/** No time-out ends what is held back meanwhile. */
function outboundIni(deliveries: number): string {
  const each = Math.ceil(deliveries / availableParallelism());
  return `local_mx_ok=true\nconnect_timeout=300\nconcurrency_max=${each}\n`;
}

async function configure(directory: string, world: World, port: number, signs: boolean): Promise<void> {
  const domain = PEER_LOGIN.sender.split("@")[1] ?? "";
  const dkim = join("dkim", domain);
  for (const name of ["config", "queue", join("config", dkim)])
    await mkdir(join(directory, name), { recursive: true });
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const files: Record<string, string> = {
    me: POOL_HOST,
    plugins: `tls\nauth/flat_file\n${signs ? "dkim\n" : ""}`,
    "smtp.ini": `listen=127.0.0.1:${port}\nsmtps_port=${port}\nnodes=cpus\n`,
    "log.ini": "level=warn\n",
    "connection.ini": await readFile(join(PACKAGE, "config/connection.ini"), "utf8"),
    "auth_flat_file.ini": `[core]\nmethods=PLAIN\nconstrain_sender=false\n[users]\n${PEER_LOGIN.username}=${PEER_LOGIN.secret}\n`,
    "dkim.ini":
      "[sign]\nenabled=true\nheaders=From,Subject,Date,Message-ID,To,MIME-Version,Content-Type\n[canon]\nbody=relaxed\n[verify]\nenabled=false\n",
    [`${dkim}/selector`]: "m",
    [`${dkim}/private`]: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    "tls_key.pem": await readFile(world.certificate.keyPath, "utf8"),
    "tls_cert.pem": await readFile(world.certificate.certPath, "utf8"),
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, "config", name), text);
}
