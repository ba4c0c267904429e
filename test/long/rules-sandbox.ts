import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTransport } from "nodemailer";
import { expect } from "vitest";
import { freePorts, startSandbox, type SandboxOptions } from "../../src/devnet/index.ts";
import { createResolver } from "../../src/platform/dns/index.ts";
import { silentLog } from "../../src/platform/log.ts";
import type { Standing } from "../../src/policy/index.ts";

export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;
export const SHIPPED_RULES = join(import.meta.dirname, "../../rules");
/** A time at which no task of the day is due. */
const START = Date.UTC(2026, 5, 1, 12);

type Login = { username: string; secret: string };
type Mail = { text?: string; subject?: string; headers?: Record<string, string>; as?: Login };

/** A sandbox with members of these domains, and what a test of rules asks of all of its parts. */
export async function openRules(...domains: string[]) {
  return openAgain(mkdtempSync(join(tmpdir(), "atmos-rules-")), domains);
}

/** In a directory that `stop` has left. */
export async function openAgain(
  dir: string,
  domains: readonly string[],
  rulesDir: string = SHIPPED_RULES,
  more: Pick<SandboxOptions, "providerEndpoints"> = {},
) {
  const sandbox = await startSandbox({
    dir,
    rulesDir,
    log: silentLog,
    ports: await freePorts(),
    operators: domains.map((domain) => ({ name: domain, domain, perDay: 10 })),
    now: START,
    days: 0,
    ...more,
  });
  const core = sandbox.serve.core!;
  const relay = sandbox.serve.relay!;
  const { clock } = sandbox;
  const didOf = (domain: string) => core.members.domain(domain)!.did;
  const loginOf = (domain: string): Login => sandbox.operators.find((one) => one.domain === domain)!;
  const standing = (domain: string): Standing => core.standings.state(didOf(domain)).standing;

  /** A connection of a member's PDS, to be closed. */
  const connect = ({ username, secret }: Login) =>
    createTransport({
      host: "127.0.0.1",
      port: relay.addresses.tls[0]!.port,
      secure: true,
      pool: true,
      maxConnections: 1,
      maxMessages: Infinity,
      auth: { user: username, pass: secret },
      tls: { ca: sandbox.world.authority.cert, servername: "relay.coop.test" },
    });

  /** A mail to each, one after the other over one connection; the replies. */
  async function send(domain: string, to: readonly string[], mail: Mail = {}): Promise<string[]> {
    const transport = connect(mail.as ?? loginOf(domain));
    const replies: string[] = [];
    for (const one of to) {
      const { subject = "Your code", text = "Here is your code: 123456. It is good for fifteen minutes." } =
        mail;
      const letter = { from: `noreply@${domain}`, to: one, subject, text, headers: mail.headers ?? {} };
      replies.push(
        await transport.sendMail(letter).then(
          ({ response }) => response,
          (error: { response?: string; message: string }) => error.response ?? error.message,
        ),
      );
    }
    transport.close();
    return replies;
  }

  /** Moves the clock on in steps, and lets everything come to rest after each. */
  async function pass(ms: number, step = 5 * DAY): Promise<void> {
    for (let left = ms; left > 0; left -= step) {
      clock.advance(Math.min(left, step));
      await sandbox.settle();
    }
  }

  const received = (mailbox: string) => sandbox.world.mailbox.inbox.list({ mailbox, limit: 500 });

  /** Values of the labels that anybody sees of a member, by `queryLabels`. */
  async function publicLabels(domain: string): Promise<string[]> {
    const did = didOf(domain);
    const query = new URLSearchParams([
      ["uriPatterns", did],
      ["uriPatterns", `at://${did}/*`],
      ["limit", "250"],
    ]);
    const response = await fetch(`${sandbox.urls.web}/xrpc/com.atproto.label.queryLabels?${query}`);
    const { labels } = (await response.json()) as { labels: { val: string; neg?: boolean; exp?: string }[] };
    return labels
      .filter(({ neg, exp }) => neg !== true && (exp === undefined || Date.parse(exp) > clock.now()))
      .map(({ val }) => val)
      .toSorted();
  }

  const zone = createResolver({ servers: [`127.0.0.1:${sandbox.config.ZONE_ADDRESS.port}`] });
  /** Whether the allowlist has the domain, as a mail server asks for it. */
  const listed = async (domain: string): Promise<string> =>
    (await zone.resolve(`${domain}.dwl.wl.coop.test`, "A")).status;

  let session: string | undefined;
  /** The words of a member's page, as the committee sees it. */
  async function page(domain: string): Promise<string> {
    const link = new URL(sandbox.urls.committee());
    session ??= (
      await fetch(new URL("/login", link), {
        method: "POST",
        redirect: "manual",
        headers: { origin: link.origin },
        body: new URLSearchParams({ token: link.searchParams.get("token")! }),
      })
    ).headers
      .get("set-cookie")!
      .split(";")[0]!;
    const response = await fetch(`${sandbox.urls.web}/members/${didOf(domain)}`, {
      headers: { cookie: session },
    });
    expect(response.status).toBe(200);
    return (await response.text()).replace(/<[^>]*>/g, " ").replace(/\s+/g, " ");
  }

  /**
   * Does it, and gives the milliseconds that truly passed between the moment at which core's books said so and the one at which
   * the relay node's did.
   */
  async function toReachRelay(
    domain: string,
    isSo: (policy: { standing: Standing; paused: boolean }) => boolean,
    work: () => Promise<unknown>,
  ): Promise<number> {
    const did = didOf(domain);
    const here = () => {
      const policy = core.policyOf(did)!;
      return isSo({
        standing: policy.standing,
        paused: policy.credentials.some((one) => one.paused === true),
      });
    };
    const there = () => {
      const policy = relay.policyBook.byDid(did)!;
      return isSo({
        standing: policy.standing,
        paused: policy.credentials.some((one) => one.paused === true),
      });
    };
    let decided: number | undefined;
    let reached: number | undefined;
    const watch = setInterval(() => {
      if (decided === undefined && here()) decided = performance.now();
      if (decided !== undefined && reached === undefined && there()) reached = performance.now();
    }, 5);
    try {
      await work();
      await expect.poll(() => reached, { timeout: 2_000, interval: 5 }).toBeDefined();
    } finally {
      clearInterval(watch);
    }
    return reached! - decided!;
  }

  return {
    dir,
    sandbox,
    core,
    relay,
    clock,
    didOf,
    loginOf,
    standing,
    connect,
    send,
    pass,
    received,
    publicLabels,
    listed,
    page,
    toReachRelay,
    settle: () => sandbox.settle(),
    /** Ends it, and leaves what is on disk. */
    stop: () => sandbox.close(),
    async close(): Promise<void> {
      await sandbox.close();
      rmSync(dir, { recursive: true });
    },
  };
}

/** Those that the text does not have: an empty list, and a short message where it is none. */
export const missing = (text: string, parts: readonly string[]): string[] =>
  parts.filter((part) => !text.includes(part));

export type RulesSandbox = Awaited<ReturnType<typeof openRules>>;
