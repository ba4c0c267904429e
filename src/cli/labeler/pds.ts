import { z } from "zod";
import type { SafeFetch } from "../../platform/fetch.ts";
import { CommandError, plain } from "../output.ts";

/** An answer of the PDS that is no success. */
export class PdsError extends Error {
  readonly error: string;
  constructor(method: string, status: number, error: string, message: string) {
    super(plain(`${method}: ${status} ${error}${message ? `: ${message}` : ""}`).slice(0, 500));
    this.error = error;
  }
}

const failure = z.object({ error: z.string().default(""), message: z.string().default("") });
const session = z.object({
  did: z.string(),
  handle: z.string(),
  accessJwt: z.string(),
  email: z.string().optional(),
});
const found = z.object({ value: z.record(z.string(), z.unknown()) });
const serviceToken = z.object({ token: z.string() });
const signed = z.object({ operation: z.record(z.string(), z.unknown()) });

export type Session = z.infer<typeof session>;

/** What of a DID a PLC operation sets. */
export const identityData = z.object({
  rotationKeys: z.array(z.string()),
  alsoKnownAs: z.array(z.string()),
  verificationMethods: z.record(z.string(), z.string()),
  services: z.record(z.string(), z.object({ type: z.string(), endpoint: z.string() })),
});
export type IdentityData = z.infer<typeof identityData>;

export type PdsClient = ReturnType<typeof createPdsClient>;

/** The methods of a PDS that the set-up needs. Each throws `PdsError` for an answer that is no success. */
export function createPdsClient(pds: string, fetch: SafeFetch) {
  async function call(method: string, init: RequestInit, token?: string): Promise<unknown> {
    const headers = new Headers({ ...(token !== undefined && { authorization: `Bearer ${token}` }) });
    if (init.body !== undefined) headers.set("content-type", "application/json");
    let response: Response;
    try {
      response = await fetch(`${pds}/xrpc/${method}`, { ...init, headers });
    } catch (error) {
      const cause =
        error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
      throw new CommandError(`${pds} does not answer: ${plain(cause)}. Look at --pds.`);
    }
    const text = await response.text();
    let body: unknown = {};
    try {
      if (text !== "") body = JSON.parse(text);
    } catch {
      throw new CommandError(`${pds} did not answer with JSON: it is no PDS. Look at --pds.`);
    }
    if (response.ok) return body;
    const { error, message } = failure.catch({ error: "", message: "" }).parse(body);
    throw new PdsError(method.split("?")[0]!, response.status, error, message);
  }
  const post = (method: string, body: unknown, token?: string) =>
    call(method, { method: "POST", ...(body !== undefined && { body: JSON.stringify(body) }) }, token);

  return {
    async logIn(identifier: string, password: string, authFactorToken?: string): Promise<Session> {
      const body = { identifier, password, ...(authFactorToken && { authFactorToken }) };
      return session.parse(await post("com.atproto.server.createSession", body));
    },
    /** Sends a token to the account's e-mail address. */
    async requestToken(jwt: string): Promise<void> {
      await post("com.atproto.identity.requestPlcOperationSignature", undefined, jwt);
    },
    async signOperation(jwt: string, token: string, data: IdentityData): Promise<Record<string, unknown>> {
      const body = { token, ...data };
      return signed.parse(await post("com.atproto.identity.signPlcOperation", body, jwt)).operation;
    },
    async submitOperation(jwt: string, operation: Record<string, unknown>): Promise<void> {
      await post("com.atproto.identity.submitPlcOperation", { operation }, jwt);
    },
    /** A token for one call of a method of another service (com.atproto.server.getServiceAuth). */
    async serviceToken(jwt: string, aud: string, lxm: string): Promise<string> {
      const params = new URLSearchParams({ aud, lxm });
      const answer = await call(`com.atproto.server.getServiceAuth?${params}`, { method: "GET" }, jwt);
      return serviceToken.parse(answer).token;
    },
    async getRecord(repo: string, collection: string, rkey: string) {
      const params = new URLSearchParams({ repo, collection, rkey });
      try {
        return found.parse(await call(`com.atproto.repo.getRecord?${params}`, { method: "GET" })).value;
      } catch (error) {
        if (error instanceof PdsError && /RecordNotFound|Could not locate record/.test(error.message))
          return undefined;
        throw error;
      }
    },
    async putRecord(
      jwt: string,
      repo: string,
      collection: string,
      rkey: string,
      record: object,
    ): Promise<void> {
      await post("com.atproto.repo.putRecord", { repo, collection, rkey, record }, jwt);
    },
  };
}
