import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { domainOf, ZONE } from "./list.ts";

const ROUNDS = 3;
const SECONDS = "5";
/** The server has one core, who asks the other. */
const [SERVER_CORE, CLIENT_CORE] = ["0", "1"];

/** Questions a second that each server answers, in turn, half of them about domains that are listed. */
export async function askServers(size: number): Promise<Record<string, number[]>> {
  const dir = mkdtempSync(join(tmpdir(), "atmos-bench-dns-"));
  chmodSync(dir, 0o755);
  const children: ChildProcess[] = [];
  try {
    const questions = join(dir, "questions");
    const lines = Array.from({ length: 20_000 }, (_, i) =>
      i % 2 === 0 ? `${domainOf(i % size)}.dwl.${ZONE} A` : `stranger-${i}.example.dwl.${ZONE} A`,
    );
    writeFileSync(questions, `${lines.join("\n")}\n`);
    const start = (...command: string[]): ChildProcess => {
      const child = spawn("taskset", ["-c", SERVER_CORE, ...command], {
        stdio: ["ignore", "pipe", "ignore"],
      });
      children.push(child);
      return child;
    };
    const embedded = start(
      process.execPath,
      "--no-memory-protection-keys",
      join(import.meta.dirname, "embedded.ts"),
      dir,
      String(size),
    );
    const [port] = (await once(embedded.stdout!, "data")) as [Buffer];
    const zone = join(dir, "zone");
    chmodSync(zone, 0o755);
    const ports = { atmos: port.toString().trim(), rbldnsd: "15353", knot: "15354" };
    start(
      "rbldnsd",
      "-n",
      "-u",
      "nobody",
      "-b",
      `127.0.0.1/${ports.rbldnsd}`,
      `${ZONE}:combined:${join(zone, `${ZONE}.rbldnsd`)}`,
    );
    const knot = join(dir, "knot");
    mkdirSync(knot);
    const file = join(knot, "knot.conf");
    writeFileSync(
      file,
      `server:\n    listen: 127.0.0.1@${ports.knot}\n    rundir: "${knot}"\n    user: root:root\n    udp-workers: 1\ndatabase:\n    storage: "${knot}"\nzone:\n  - domain: ${ZONE}\n    file: "${join(zone, `${ZONE}.zone`)}"\n    zonefile-sync: -1\n`,
    );
    start("knotd", "-c", file);
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    const found: Record<string, number[]> = { atmos: [], rbldnsd: [], knot: [] };
    for (let round = 0; round < ROUNDS; round++)
      for (const [name, at] of Object.entries(ports)) found[name]!.push(await perSecond(at, questions));
    return found;
  } finally {
    for (const child of children) child.kill("SIGKILL");
    rmSync(dir, { recursive: true });
  }
}

async function perSecond(port: string, questions: string): Promise<number> {
  const dnsperf = ["dnsperf", "-s", "127.0.0.1", "-p", port, "-d", questions, "-l", SECONDS, "-q", "200"];
  const child = spawn("taskset", ["-c", CLIENT_CORE, ...dnsperf], { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (part: string) => (text += part));
  await once(child, "close");
  const lost = Number(/Queries lost:\s+(\d+)/.exec(text)?.[1]);
  const rate = Number(/Queries per second:\s+([\d.]+)/.exec(text)?.[1]);
  if (!(rate > 0) || lost > 1_000) throw new Error(`port ${port}: ${text}`);
  return rate;
}
