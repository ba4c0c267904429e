import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { createResolver } from "../../platform/dns/index.ts";
import type { Address } from "../../platform/config/index.ts";
import { fail, messageOf, ok, type Finding, type Probe } from "./probe.ts";

const TIMEOUT_MS = 5_000;
const NOT_RUNNING = "Start it with: atmos serve";

/** What should be listening here, asked as a client would. */
export const services: Probe = async ({ config }) => {
  const has = (role: "relay" | "zone") => config.ROLES.includes(role);
  const probes: Promise<Finding>[] = [http(config.HTTP_ADDRESS)];
  if (has("relay")) {
    for (const address of config.SUBMISSION_TLS_ADDRESS)
      probes.push(greeting("submission (TLS)", address, true));
    for (const address of config.SUBMISSION_STARTTLS_ADDRESS)
      probes.push(greeting("submission (STARTTLS)", address, false));
    probes.push(greeting("inbound", config.INBOUND_ADDRESS, false));
    if (config.ACME_DIRECTORY !== undefined) probes.push(challenges(config.ACME_HTTP_ADDRESS));
  }
  if (has("zone")) probes.push(zone(config.ZONE_ADDRESS, config.ZONE_NAME));
  return Promise.all(probes);
};

const at = ({ host, port }: Address) => `${host.includes(":") ? `[${host}]` : host}:${port}`;
/** Where a client on this host reaches a listener on any address. */
const local = ({ host, port }: Address): Address => ({
  host: host === "::" ? "::1" : host === "0.0.0.0" ? "127.0.0.1" : host,
  port,
});

async function http(address: Address): Promise<Finding> {
  const url = `http://${at(local(address))}/xrpc/_health`;
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    const { version } = (await response.json()) as { version?: string };
    return response.ok
      ? ok("http", `${url} answers, version ${version ?? "unknown"}`)
      : fail("http", `${url} says ${response.status}`, "Look at the log.");
  } catch (error) {
    return fail("http", `${url}: ${messageOf(error)}`, NOT_RUNNING);
  }
}

/** Whether it is ours that answers there, and not a web server which would send the authority astray. */
async function challenges(address: Address): Promise<Finding> {
  const url = `http://${at(local(address))}/.well-known/acme-challenge/doctor`;
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS), redirect: "manual" });
    const ours = (await response.text()).startsWith("There is nothing here but challenges");
    return ours
      ? ok("challenges", `${at(address)} answers the authority's challenges`)
      : fail(
          "challenges",
          `another server answers at ${at(address)}`,
          "Give ATMOS_ACME_HTTP_ADDRESS its own.",
        );
  } catch (error) {
    return fail("challenges", `${url}: ${messageOf(error)}`, NOT_RUNNING);
  }
}

function greeting(probe: string, address: Address, implicit: boolean): Promise<Finding> {
  const { host, port } = local(address);
  return new Promise((resolve) => {
    const socket: Socket = implicit
      ? connectTls({ host, port, rejectUnauthorized: false })
      : connectTcp({ host, port });
    const end = (finding: Finding) => {
      socket.destroy();
      resolve(finding);
    };
    socket.setTimeout(TIMEOUT_MS, () => end(fail(probe, `${at(address)} says nothing`, "Look at the log.")));
    socket.once("error", (error) => end(fail(probe, `${at(address)}: ${error.message}`, NOT_RUNNING)));
    socket.once("data", (data: Buffer) => {
      const line = data.toString("latin1").split("\r\n", 1)[0]!;
      end(
        line.startsWith("220 ")
          ? ok(probe, `${at(address)} greets: ${line}`)
          : fail(probe, `${at(address)} says: ${line}`, "Look at the log."),
      );
    });
  });
}

async function zone(address: Address, name: string): Promise<Finding> {
  const resolver = createResolver({ servers: [at(local(address))] });
  const answer = await resolver.resolve(`test.dwl.${name}`, "A");
  if (answer.status === "ok" && answer.records[0]?.address === "127.0.0.2") {
    return ok("zone", `${at(address)} answers for ${name}`);
  }
  return fail(
    "zone",
    `${at(address)} does not answer the test entry of ${name} (${answer.status})`,
    NOT_RUNNING,
  );
}
