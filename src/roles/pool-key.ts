import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { describePublicKey, newDkimKey } from "../member/index.ts";
import { readIfThere, writePrivate } from "../platform/private-file.ts";
import { openSealed, seal, type OpeningKey } from "../platform/seal.ts";

/** What to publish of the key with which the pool signs beside its members. */
export type PublicPoolKey = { selector: string; txt: string };
export type PoolKey = PublicPoolKey & { key: KeyObject };

/** The private key is sealed to the relay (`platform/seal`), so that a copy of the data directory signs nothing. */
const stored = z.strictObject({ txt: z.string().min(1), sealed: z.string().min(1) });

const fileOf = (dir: string, selector: string) => join(dir, `${selector}.json`);
/** How versions before the sealing kept it. */
const plainFileOf = (dir: string, selector: string) => join(dir, `${selector}.pem`);

/** The key in `dir`; made on the first start. @throws when it was sealed to another relay secret. */
export async function openPoolKey(dir: string, selector: string, opening: OpeningKey): Promise<PoolKey> {
  const known = await readStored(dir, selector);
  if (known) {
    const pem = await openSealed(opening, known.sealed).catch((cause: unknown) => {
      throw new Error(
        `${fileOf(dir, selector)} was sealed with another ATMOS_RELAY_SECRET. Start with that one, or move the file away and publish the new key that is made then.`,
        { cause },
      );
    });
    return { selector, txt: known.txt, key: createPrivateKey(pem) };
  }
  const plain = await readIfThere(plainFileOf(dir, selector));
  const pem = plain ?? (await newDkimKey(selector, "rsa")).privatePem;
  const key = createPrivateKey(pem);
  const { txt } = describePublicKey(createPublicKey(key), "rsa");
  const value: z.infer<typeof stored> = { txt, sealed: await seal(opening, pem) };
  await writePrivate(fileOf(dir, selector), JSON.stringify(value));
  if (plain !== undefined) await rm(plainFileOf(dir, selector));
  return { selector, txt, key };
}

/** Undefined when there is none yet. Needs no secret. */
export async function readPoolKey(dir: string, selector: string): Promise<PublicPoolKey | undefined> {
  const known = await readStored(dir, selector);
  if (known) return { selector, txt: known.txt };
  const plain = await readIfThere(plainFileOf(dir, selector));
  return plain === undefined
    ? undefined
    : { selector, txt: describePublicKey(createPublicKey(plain), "rsa").txt };
}

async function readStored(dir: string, selector: string): Promise<z.infer<typeof stored> | undefined> {
  const text = await readIfThere(fileOf(dir, selector));
  return text === undefined ? undefined : stored.parse(JSON.parse(text));
}
