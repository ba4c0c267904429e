import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { mkdir, open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { describePublicKey, newDkimKey } from "../member/index.ts";

/** The key with which the pool signs beside its members, and what to publish for it. */
export type PoolKey = { selector: string; key: KeyObject; txt: string };

const fileOf = (dir: string, selector: string) => join(dir, `${selector}.pem`);

/** The key in `dir`; made on the first start. */
export async function openPoolKey(dir: string, selector: string): Promise<PoolKey> {
  return (await readPoolKey(dir, selector)) ?? makePoolKey(dir, selector);
}

/** Undefined when there is none yet. */
export async function readPoolKey(dir: string, selector: string): Promise<PoolKey | undefined> {
  let pem: string;
  try {
    pem = await readFile(fileOf(dir, selector), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  const key = createPrivateKey(pem);
  return { selector, key, txt: describePublicKey(createPublicKey(key), "rsa").txt };
}

async function makePoolKey(dir: string, selector: string): Promise<PoolKey> {
  const { privatePem, txt } = await newDkimKey(selector, "rsa");
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const path = fileOf(dir, selector);
  const file = await open(`${path}.new`, "w", 0o600);
  try {
    await file.writeFile(privatePem);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
  return { selector, key: createPrivateKey(privatePem), txt };
}
