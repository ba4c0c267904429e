import { createHash } from "node:crypto";
import { join } from "node:path";
import { z } from "zod";
import { readIfThere, writePrivate } from "../private-file.ts";

const account = z.object({ directory: z.string(), key: z.string(), url: z.string().optional() });
/** An account with an authority. `url` is undefined until it is registered. */
export type Account = z.infer<typeof account>;

const state = z.object({
  /** The directory and names that this is about: for others nothing has failed yet. */
  about: z.string(),
  failures: z.number().int().nonnegative(),
  lastFailureAt: z.number(),
  lastError: z.string(),
  retryAfterMs: z.number(),
  /** Directory of the certificate that is kept. */
  issuedBy: z.string(),
});
export type AcmeState = z.infer<typeof state>;

export const NO_STATE: AcmeState = {
  about: "",
  failures: 0,
  lastFailureAt: 0,
  lastError: "",
  retryAfterMs: 0,
  issuedBy: "",
};

const CERTIFICATE = "certificate.pem";
const STATE = "state.json";

const accountFile = (directory: string) =>
  `account-${createHash("sha256").update(directory).digest("hex").slice(0, 12)}.json`;

/** What is kept in `<data>/acme`: an account for each directory, the certificate with its key in one file, the last failure. */
export function acmeStore(dir: string) {
  const readText = (name: string) => readIfThere(join(dir, name));
  const write = (name: string, text: string) => writePrivate(join(dir, name), text);

  return {
    certificatePath: join(dir, CERTIFICATE),
    /** Key and chain in one PEM text: they change together. */
    async certificate(): Promise<{ cert: string; key: string } | undefined> {
      const text = await readText(CERTIFICATE);
      const [, key, cert] = /^(-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?PRIVATE KEY-----\n)([\s\S]+)$/.exec(
        text ?? "",
      ) ?? [undefined, undefined, undefined];
      return key === undefined || cert === undefined ? undefined : { cert, key };
    },
    saveCertificate: ({ cert, key }: { cert: string; key: string }) =>
      write(CERTIFICATE, `${key.trimEnd()}\n${cert}`),
    async account(directory: string): Promise<Account | undefined> {
      const text = await readText(accountFile(directory));
      return text === undefined ? undefined : account.parse(JSON.parse(text));
    },
    saveAccount: (kept: Account) => write(accountFile(kept.directory), `${JSON.stringify(kept, null, 2)}\n`),
    /** An unreadable state is none: it only spaces our tries. */
    async state(): Promise<AcmeState> {
      try {
        return state.parse(JSON.parse((await readText(STATE)) ?? ""));
      } catch {
        return NO_STATE;
      }
    },
    saveState: (kept: AcmeState) => write(STATE, `${JSON.stringify(kept, null, 2)}\n`),
  };
}

export type AcmeStore = ReturnType<typeof acmeStore>;
