import { createTransport } from "nodemailer";
import type { Resolver } from "../../protocol/dns/index.ts";

export type OutgoingMail = {
  /** Empty for the null sender. */
  mailFrom: string;
  to: string;
  raw: string;
};

export type OutgoingOptions = {
  resolver: Resolver;
  /** Port at which the other mail servers of the sandbox listen. */
  port: number;
  helo: string;
  /** The provider's own address: its SPF names it. */
  localAddress: string;
  dkim: { domainName: string; keySelector: string; privateKey: string };
};

const TIMEOUT_MS = 10_000;
const RETRY_AFTER_MS = [500, 2_000, 5_000];

/** Delivers one mail to the MX of its domain, DKIM-signed. Resolves with what came of it, in words; never rejects. */
export async function sendOut(
  mail: OutgoingMail,
  options: OutgoingOptions,
  stop: AbortSignal,
): Promise<string> {
  let outcome = "";
  for (const wait of [...RETRY_AFTER_MS, undefined]) {
    outcome = await attempt(mail, options);
    if (outcome === "delivered" || wait === undefined || stop.aborted) break;
    await pause(wait, stop);
  }
  return outcome;
}

async function attempt(mail: OutgoingMail, options: OutgoingOptions): Promise<string> {
  const domain = mail.to.slice(mail.to.lastIndexOf("@") + 1);
  const exchange = await options.resolver.resolve(domain, "MX");
  const hosts = exchange.status === "ok" ? exchange.records : [];
  const host = hosts.toSorted((a, b) => a.preference - b.preference)[0]?.exchange;
  if (!host) return `${domain} has no MX (${exchange.status})`;
  const address = await options.resolver.resolve(host, "A");
  const ip = address.status === "ok" ? address.records[0]?.address : undefined;
  if (!ip) return `${host} has no address (${address.status})`;
  const transport = createTransport({
    host: ip,
    port: options.port,
    name: options.helo,
    localAddress: options.localAddress,
    tls: { servername: host, rejectUnauthorized: false },
    connectionTimeout: TIMEOUT_MS,
    greetingTimeout: TIMEOUT_MS,
    socketTimeout: TIMEOUT_MS,
    dkim: options.dkim,
  });
  try {
    await transport.sendMail({ envelope: { from: mail.mailFrom, to: [mail.to] }, raw: mail.raw });
    return "delivered";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    transport.close();
  }
}

function pause(ms: number, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    stop.addEventListener(
      "abort",
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}
