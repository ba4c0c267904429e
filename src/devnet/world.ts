import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../lib/clock.ts";
import { Database } from "../platform/database.ts";
import { createResolver } from "../platform/dns/index.ts";
import type { Logger } from "../platform/log.ts";
import { openAuthority, type Authority } from "./certificates.ts";
import { createZones, startDevnetDns, type Zones } from "./dns.ts";
import { createDnsHost, dnsHostMigration, type DnsHost } from "./dns-host/index.ts";
import { authorisationOfAll } from "../report/index.ts";
import { createPretender } from "./pretender.ts";
import { mailboxMigration, startMailboxProvider, type MailboxProvider } from "./mailbox/index.ts";
import { plcMigration, startPlc } from "./plc.ts";
import type { SandboxPorts } from "./ports.ts";
import { repoHostMigration, startRepoHost, type RunningRepoHost } from "./repo-host/index.ts";

export const POOL_DOMAIN = "coop.test";
export const POOL_HOSTNAME = `relay.${POOL_DOMAIN}`;
/** Where the pool's own MX listens; the sandbox's MXs share one port and differ in the address. */
export const POOL_MX_ADDRESS = "127.0.0.2";
/** Mail leaves from here: one address that is warm, and two new ones. */
export const EGRESS_ADDRESSES = [
  { address: "127.0.0.21", ehlo: `out1.${POOL_DOMAIN}`, warm: true },
  { address: "127.0.0.22", ehlo: `out2.${POOL_DOMAIN}`, warm: false },
  { address: "127.0.0.23", ehlo: `out3.${POOL_DOMAIN}`, warm: false },
] as const;
/** A public blocklist, for our own addresses; what stands in its zone is listed. */
export const BLOCKLIST = "blocklist.test";
/** Somebody outside writes as a member's domain from here. */
const PRETENDER_ADDRESS = "127.0.0.66";
const REVERSE_ZONE = "0.0.127.in-addr.arpa";

export const MAIL_DOMAINS = ["bigmail.test", "post.test", "inbox.test"] as const;

/** A provider that the sandbox's shaping file knows by its mail host; only customers' domains have their mail there. */
export const HOSTING = { provider: "hosting", mx: "mx.hosting.test", address: "127.0.0.15" } as const;
export const HOSTED_DOMAINS = Array.from({ length: 8 }, (_, i) => `firm${i + 1}.test`);

export type World = {
  zones: Zones;
  /** Where newcomers keep the records of their domains. */
  dnsHost: DnsHost;
  authority: Authority;
  /** PEM file of the authority, for clients. */
  caFile: string;
  plcUrl: string;
  repos: RunningRepoHost;
  mailbox: MailboxProvider;
  settle(): Promise<void>;
  close(): Promise<void>;
};

/** A newcomer's domain, whose mailboxes are at the second provider. */
export const HOSTED_ELSEWHERE = "zinnia.test";

const provided = (domain: string, address: string) => ({ domain, mx: `mx.${domain}`, address });

export type WorldOptions = {
  dir: string;
  clock: Clock;
  ports: SandboxPorts;
  /** Domains of the operators: the provider hosts their mailboxes too. */
  operatorDomains: readonly string[];
  log: Logger;
};

/** Everything outside of the cooperative: DNS, identities, repositories and a mailbox provider, on loopback. */
export async function startWorld({ dir, clock, ports, operatorDomains, log }: WorldOptions): Promise<World> {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const closers: (() => Promise<unknown> | void)[] = [];
  const close = async () => {
    for (const one of closers.splice(0).toReversed()) await one();
  };
  try {
    const authority = openAuthority(join(dir, "ca"));
    const caFile = join(dir, "ca.pem");
    writeFileSync(caFile, authority.cert);
    const zones = createZones();
    const dns = await startDevnetDns({ zones, host: "127.0.0.1", port: ports.dns });
    closers.push(() => dns.close());
    const db = new Database(join(dir, "world.sqlite"), [
      plcMigration,
      repoHostMigration,
      mailboxMigration,
      dnsHostMigration,
    ]);
    closers.push(() => db.close());
    const dnsHost = createDnsHost({ db, zones });
    const plc = await startPlc({ db, clock, host: "127.0.0.1", port: ports.plc });
    closers.push(() => plc.close());
    const repos = await startRepoHost({ db, clock, host: "127.0.0.1", port: ports.repos, plcUrl: plc.url });
    closers.push(() => repos.close());
    const [first, second, third] = MAIL_DOMAINS;
    const pretender = operatorDomains[0]
      ? createPretender({
          clock,
          host: "127.0.0.11",
          port: ports.mx,
          localAddress: PRETENDER_ADDRESS,
          as: operatorDomains[0],
          to: `carla@${first}`,
        })
      : undefined;
    const mailbox = await startMailboxProvider({
      db,
      clock,
      resolver: createResolver({ servers: [`127.0.0.1:${dns.port}`] }),
      authority,
      domains: [
        provided(first, "127.0.0.11"),
        provided(second, "127.0.0.12"),
        { ...provided(third, "127.0.0.13"), dane: true },
        ...operatorDomains.map((domain) => provided(domain, "127.0.0.14")),
        { ...provided(second, "127.0.0.12"), domain: HOSTED_ELSEWHERE, ownRecords: true },
        ...HOSTED_DOMAINS.map((domain) => ({ domain, mx: HOSTING.mx, address: HOSTING.address })),
      ],
      port: ports.mx,
      outgoingPort: ports.mx,
      onMessage: () => pretender?.nudge(),
      onError: (err) => log.warn({ err }, "sandbox mailbox provider"),
    });
    closers.push(() => mailbox.close());
    mailbox.publish(zones);
    mailbox.registerFeedback(POOL_DOMAIN, `fbl@${POOL_DOMAIN}`);
    // Reports of TLS to this one arrive in its own inbox; the others ask for none.
    zones.set(`_smtp._tls.${first}`, "TXT", { text: `v=TLSRPTv1; rua=mailto:tls-reports@${first}` });
    publishPool(zones, ports);
    publishEgress(zones);
    return {
      zones,
      dnsHost,
      authority,
      caFile,
      plcUrl: plc.url,
      repos,
      mailbox,
      async settle() {
        await pretender?.settle();
        await mailbox.settle();
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The pool's own records, as `atmos doctor` asks for them; its DKIM key follows when it is made. */
function publishPool(zones: Zones, ports: SandboxPorts): void {
  const mx = { preference: 10, exchange: `mx.${POOL_DOMAIN}` };
  zones.addZone(POOL_DOMAIN);
  zones.set(POOL_HOSTNAME, "A", { address: "127.0.0.1" });
  zones.set(POOL_HOSTNAME, "TXT", { text: "v=spf1 a -all" });
  zones.set(`mx.${POOL_DOMAIN}`, "A", { address: POOL_MX_ADDRESS });
  zones.set(POOL_DOMAIN, "MX", mx);
  zones.set(`bounce.${POOL_DOMAIN}`, "MX", mx);
  const sources = ["127.0.0.1", ...EGRESS_ADDRESSES.map(({ address }) => address)];
  const mechanisms = sources.map((address) => `ip4:${address}`).join(" ");
  zones.set(`_spf.${POOL_DOMAIN}`, "TXT", { text: `v=spf1 ${mechanisms} -all` });
  zones.set(POOL_DOMAIN, "TXT", { text: `v=spf1 include:_spf.${POOL_DOMAIN} -all` });
  zones.set(`bounce.${POOL_DOMAIN}`, "TXT", { text: `v=spf1 include:_spf.${POOL_DOMAIN} -all` });
  zones.set(`_dmarc.${POOL_DOMAIN}`, "TXT", { text: "v=DMARC1; p=reject" });
  const reports = authorisationOfAll(POOL_DOMAIN);
  zones.set(reports.name, "TXT", { text: reports.text });
  zones.forward(`wl.${POOL_DOMAIN}`, `127.0.0.1:${ports.zone}`);
}

/** Names of the egress addresses, there and back, and a blocklist with its test entry (RFC 5782 section 5). */
function publishEgress(zones: Zones): void {
  zones.addZone(REVERSE_ZONE);
  zones.addZone(BLOCKLIST);
  zones.set(`2.0.0.127.${BLOCKLIST}`, "A", { address: "127.0.0.2" });
  for (const { address, ehlo } of EGRESS_ADDRESSES) {
    zones.set(ehlo, "A", { address });
    zones.set(ehlo, "TXT", { text: "v=spf1 a -all" });
    zones.set(`${address.split(".").at(-1)}.${REVERSE_ZONE}`, "PTR", { target: ehlo });
  }
}
