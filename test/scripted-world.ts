import { createAuthority } from "../src/devnet/certificates.ts";
import { MovableClock } from "../src/lib/clock.ts";
import type { DnsAnswer, DnsType, Resolver } from "../src/protocol/dns/index.ts";
import type { DomainRule } from "../src/transport/index.ts";
import type { Phase } from "./phase-scripts.ts";
import { client, member, newDirectory, startRelay, stopRelay, type Testbed } from "./relay-harness.ts";
import { startScriptedSink, type Script, type ScriptedSink } from "./scripted-sink.ts";

const authority = createAuthority();
const DAY = 86_400_000;
const names = ["mx.peer.test", ...Array.from({ length: 100 }, (_, i) => `mx.d${i}.test`)];
const certificates = {
  trusted: authority.issue(names),
  stranger: createAuthority().issue(names),
  "other-name": authority.issue(["mx.elsewhere.test"]),
  expired: authority.issue(names, { notBefore: Date.now() - 9 * DAY, notAfter: Date.now() - DAY }),
};
/** Of the phase in which a host is silent; all others have as long as they ever have. */
const DEADLINE = 2_000;

export type World = {
  bed: Testbed;
  sinks: ScriptedSink[];
  /** How often the mail hosts of a domain were looked up. */
  lookUps: () => number;
  /** Ends the relay node within a moment, does `between`, and starts it again with the same files. */
  restart: (between?: () => void) => Promise<void>;
  close: () => Promise<void>;
};
export type Host = {
  script: Script;
  /** By which we know whose it is. */ name?: string;
  rule?: DomainRule | undefined;
};

/** A relay node, and a host for each script: mail of `d0.test`, `d1.test`, ... goes there. */
export async function world(hosts: readonly Host[], late?: Phase): Promise<World> {
  const directory = newDirectory();
  const sinks: ScriptedSink[] = [];
  const addressOf = (index: number) => `127.0.5.${index + 1}`;
  for (const [i, { script }] of hosts.entries())
    sinks.push(
      await startScriptedSink(script, certificates, { host: addressOf(i), port: sinks[0]?.port ?? 0 }),
    );
  const numberOf = (name: string) => Number(/\bd(\d+)\.test$/.exec(name)?.[1] ?? 0);
  let lookUps = 0;
  const resolver: Resolver = {
    async resolve<T extends DnsType>(name: string, type: T): Promise<DnsAnswer<T>> {
      const ok = (record: object) =>
        ({ status: "ok", authentic: false, records: [{ ...record, ttl: 60 }] }) as unknown as DnsAnswer<T>;
      if (type === "MX") lookUps++;
      if (type === "MX") return ok({ preference: 10, exchange: hosts[numberOf(name)]?.name ?? `mx.${name}` });
      return type === "A"
        ? ok({ address: addressOf(numberOf(name)) })
        : { status: "nodata", authentic: false };
    },
  };
  const start = (clock: MovableClock) =>
    startRelay(directory.path, sinks[0]!.port, clock, {
      deadlines: { greeting: 60_000, dataEnd: 60_000, ...(late && { [late]: DEADLINE }) },
      outside: {
        resolver,
        ca: authority.cert,
        observed: () => undefined,
        ruleOf: (domain) => hosts[numberOf(domain)]?.rule,
      },
    });
  const here: World = {
    bed: await start(new MovableClock(Date.now())),
    sinks,
    lookUps: () => lookUps,
    async restart(between) {
      await stopRelay(here.bed);
      between?.();
      here.bed = await start(here.bed.clock);
    },
    async close() {
      await stopRelay(here.bed);
      for (const sink of sinks) await sink.close();
      directory.remove();
    },
  };
  // What its member is told is on its page, and is not one more message.
  await here.bed.book.apply({ ...member, version: 2, tier: "trusted", bounces: { to: "nobody" } });
  return here;
}

export async function submit({ bed }: World, to: string, text = "Hi", subject = "Hello"): Promise<string> {
  const { response } = await client(bed).sendMail({ from: "alice@member.test", to, subject, text });
  return / as (\S+?)(?:[,\s]|$)/.exec(response)?.[1] ?? "";
}
