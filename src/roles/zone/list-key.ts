import { join } from "node:path";
import { Secp256k1Keypair } from "@atproto/crypto";
import { readIfThere, writePrivate } from "../../platform/private-file.ts";

/**
 * The key that signs snapshots, made on the first start. It is announced in the zone itself: to turn it, move the file
 * away, start again, and the next snapshot and zone carry the new one.
 */
export async function openListKey(dir: string): Promise<Secp256k1Keypair> {
  const path = join(dir, "list.key");
  const known = await readIfThere(path);
  if (known !== undefined) return Secp256k1Keypair.import(known.trim());
  const made = await Secp256k1Keypair.create({ exportable: true });
  await writePrivate(path, `${Buffer.from(await made.export()).toString("hex")}\n`);
  return made;
}
