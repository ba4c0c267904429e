import { generateKeyPair } from "node:crypto";
import { promisify } from "node:util";
import type { Authorization, Client, Order } from "acme-client";
import type { Clock } from "../../lib/clock.ts";
import type { ChallengeListener } from "./challenge.ts";
import { AcmeError, explainFailure, explainProblem } from "./fault.ts";
import type { Account } from "./store.ts";
import { createTransport } from "./transport.ts";

export type OrderOptions = {
  directory: string;
  /** The first is the subject's; all are in the certificate. */
  names: readonly string[];
  /** An e-mail address for warnings of the authority. */
  contact?: string | undefined;
  /** External account binding (RFC 8555 section 7.3.4). */
  binding?: { kid: string; hmacKey: string } | undefined;
  /** PEM, trusted beside the usual authorities. */
  ca?: string | undefined;
  account: Account | undefined;
  challenges: ChallengeListener;
  clock: Clock;
  signal: AbortSignal;
  /** Keeps a new account; its key before it is used. */
  keepAccount: (account: Account) => Promise<void>;
  /** Each step, in words. */
  progress: (step: string) => void;
};

const POLLS = 60;
const POLL_MS = 1_000;
const LONGEST_POLL_MS = 5_000;
const NO_ACCOUNT = "urn:ietf:params:acme:error:accountDoesNotExist";

/**
 * Asks an authority for a certificate by HTTP-01 (RFC 8555): account, order, challenges, key, certificate. One try.
 * @throws AcmeError with words for the operator.
 */
export async function orderCertificate(options: OrderOptions): Promise<{ cert: string; key: string }> {
  const acme = await import("acme-client");
  const { directory, signal, ca } = options;
  const transport = createTransport({ ca, signal, now: () => options.clock.now() });
  // The library has one HTTP client for the process; ours are its tries, times and trust.
  Object.assign(acme.axios.defaults, { adapter: transport.adapter });
  Object.assign(acme.axios.defaults, { acmeSettings: { retryMaxAttempts: 0, retryDefaultDelay: 1 } });

  async function connect(kept: Account | undefined): Promise<Client> {
    const account = kept ?? { directory, key: await newKey() };
    if (!kept) await options.keepAccount(account);
    const client = new acme.Client({
      directoryUrl: directory,
      accountKey: account.key,
      ...(account.url !== undefined && { accountUrl: account.url }),
      ...(options.binding && { externalAccountBinding: options.binding }),
    });
    if (account.url !== undefined) return client;
    options.progress("registering an account with the authority");
    await register(client, options.contact);
    await options.keepAccount({ ...account, url: client.getAccountUrl() });
    return client;
  }

  async function placeOrder(): Promise<{ client: Client; order: Order }> {
    const client = await connect(options.account);
    const identifiers = options.names.map((value) => ({ type: "dns", value }));
    options.progress(`ordering a certificate for ${options.names.join(", ")}`);
    try {
      return { client, order: await client.createOrder({ identifiers }) };
    } catch (error) {
      if (transport.problem()?.type !== NO_ACCOUNT || !options.account) throw error;
      options.progress("the authority does not know our account any more");
      const again = await connect({ directory, key: options.account.key });
      return { client: again, order: await again.createOrder({ identifiers }) };
    }
  }

  try {
    const { client, order } = await placeOrder();
    await prove(client, order, options);
    options.progress("the names are proved; fetching the certificate");
    const key = await newKey();
    const [subject] = options.names;
    const csr = { altNames: [...options.names], ...(subject!.length <= 64 && { commonName: subject! }) };
    const [, request] = await acme.crypto.createCsr(csr, key);
    const ready = await poll(options, async () => {
      const now = await client.getOrder(order);
      return now.status === "pending" ? undefined : now;
    });
    let finalized = ready;
    if (ready.status === "ready") finalized = await client.finalizeOrder(ready, request);
    finalized = await poll(options, async () =>
      finalized.status === "processing" || finalized.status === "ready"
        ? settled(await client.getOrder(order))
        : finalized,
    );
    if (finalized.status !== "valid") throw failed(finalized.error, options.names[0]!);
    return { cert: await client.getCertificate(finalized), key };
  } catch (error) {
    if (error instanceof AcmeError) throw error;
    const problem = transport.problem();
    throw new AcmeError(
      problem
        ? explainProblem(problem, options.names.join(", "))
        : explainFailure(error as NodeJS.ErrnoException, directory),
    );
  }
}

const settled = (order: Order) =>
  order.status === "processing" || order.status === "ready" ? undefined : order;

/** The library follows an account that exists already with an update, which an authority may find empty: that is no fault. */
async function register(client: Client, contact: string | undefined): Promise<void> {
  try {
    await client.createAccount({
      termsOfServiceAgreed: true,
      ...(contact !== undefined && { contact: [`mailto:${contact}`] }),
    });
  } catch (error) {
    try {
      client.getAccountUrl();
    } catch {
      throw error;
    }
  }
}

/** Answers the challenges of an order until the authority has seen each. */
async function prove(client: Client, order: Order, options: OrderOptions): Promise<void> {
  const { challenges, progress } = options;
  const offered: string[] = [];
  try {
    for (const { status, identifier, challenges: offers } of await client.getAuthorizations(order)) {
      if (status === "valid") continue;
      const challenge = offers.find(({ type }) => type === "http-01");
      if (!challenge)
        throw new AcmeError({
          text: `The authority offers no HTTP-01 challenge for ${identifier.value} (it offers ${offers.map(({ type }) => type).join(", ")}).`,
          retryAfterMs: 0,
        });
      challenges.offer(challenge.token, await client.getChallengeKeyAuthorization(challenge));
      offered.push(challenge.token);
      progress(`the authority looks at http://${identifier.value}/.well-known/acme-challenge/`);
      await client.completeChallenge(challenge);
    }
    await poll(options, async () => {
      const all = await client.getAuthorizations(order);
      const bad = all.find(({ status }) => status !== "pending" && status !== "valid");
      if (bad) throw failed(errorOf(bad), bad.identifier.value);
      return all.every(({ status }) => status === "valid") ? true : undefined;
    });
  } finally {
    for (const token of offered) challenges.withdraw(token);
  }
}

const errorOf = ({ challenges }: Authorization) => challenges.find(({ error }) => error !== undefined)?.error;

function failed(error: object | undefined, name: string): AcmeError {
  const { type, detail } = (error ?? {}) as { type?: unknown; detail?: unknown };
  return new AcmeError(
    explainProblem(
      {
        status: 0,
        type: typeof type === "string" ? type : "",
        detail: typeof detail === "string" ? detail.slice(0, 1_000) : "nothing more",
        retryAfterMs: 0,
      },
      name,
    ),
  );
}

/** Asks until there is an answer; about four minutes at most. */
async function poll<T>(
  { clock, signal }: Pick<OrderOptions, "clock" | "signal">,
  ask: () => Promise<T | undefined>,
): Promise<T> {
  for (let n = 0; n < POLLS; n++) {
    signal.throwIfAborted();
    const answer = await ask();
    if (answer !== undefined) return answer;
    await clock.sleep(Math.min(POLL_MS * (n + 1), LONGEST_POLL_MS), signal);
  }
  throw new AcmeError({
    text: "The authority did not come to an end within some minutes.",
    retryAfterMs: 0,
  });
}

const generate = promisify(generateKeyPair);

/** P-256, which every TLS library of a mail server knows. */
async function newKey(): Promise<string> {
  const { privateKey } = await generate("ec", { namedCurve: "P-256" });
  return privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}
