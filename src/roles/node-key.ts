import { randomBytes } from "node:crypto";
import { dataPath, type Config } from "../platform/config/index.ts";
import { readIfThere, writePrivate } from "../platform/private-file.ts";
import { derive } from "./keys.ts";

const fileOf = (config: Pick<Config, "DATA_DIR">) => dataPath(config, "node.key");

async function read(config: Pick<Config, "DATA_DIR">): Promise<Uint8Array | undefined> {
  const text = await readIfThere(fileOf(config));
  return text === undefined ? undefined : new Uint8Array(Buffer.from(text.trim(), "hex"));
}

/** A node's own secret, of 32 bytes: made at the first start, and on no other host. */
export async function openNodeKey(config: Pick<Config, "DATA_DIR">): Promise<Uint8Array> {
  const known = await read(config);
  if (known) return known;
  const fresh = randomBytes(32);
  await writePrivate(fileOf(config), `${fresh.toString("hex")}\n`);
  return new Uint8Array(fresh);
}

/** With which commands on the host of a node without core speak to it; undefined before its first start. */
export async function nodeSessionKey(config: Pick<Config, "DATA_DIR">): Promise<Uint8Array | undefined> {
  const key = await read(config);
  return key && derive(key, "session");
}
