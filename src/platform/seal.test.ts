import { expect, test } from "vitest";
import { exportSealingKey, importSealingKey, openSealed, openingKeyFrom, seal } from "./seal.ts";

const secret = (n: number) => new Uint8Array(32).fill(n);

test("only the holder of the secret opens what is sealed to it", async () => {
  const relay = await openingKeyFrom(secret(1));
  const publicPart = await importSealingKey(await exportSealingKey(relay));
  const sealed = await seal(publicPart, "private key");
  expect(sealed).not.toContain("private");
  expect(await openSealed(await openingKeyFrom(secret(1)), sealed)).toBe("private key");
  await expect(openSealed(await openingKeyFrom(secret(2)), sealed)).rejects.toThrow();
});

test("an altered box does not open", async () => {
  const relay = await openingKeyFrom(secret(1));
  const sealed = Buffer.from(await seal(relay, "x"), "base64url");
  sealed[40]! ^= 1;
  await expect(openSealed(relay, sealed.toString("base64url"))).rejects.toThrow();
});
