import { readdirSync, readFileSync } from "node:fs";
import { cpus, loadavg, totalmem } from "node:os";

const TICKS_PER_SECOND = 100;

type Stat = { pid: number; parent: number; ticks: number; startTicks: number };

/** proc_pid_stat(5). `ticks`: own time and that of the children it has waited for, user and system. */
function statOf(pid: number | string): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    const number = (position: number) => Number(fields[position - 3]);
    const ticks = number(14) + number(15) + number(16) + number(17);
    return { pid: Number(pid), parent: number(4), ticks, startTicks: number(22) };
  } catch {
    return undefined;
  }
}

/** The processes in the trees under `roots`, the roots included. */
function trees(roots: readonly number[]): Stat[] {
  const all = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(statOf)
    .filter((stat) => stat !== undefined);
  const inside = new Set(roots);
  for (let before = 0; inside.size !== before;) {
    before = inside.size;
    for (const { pid, parent } of all) if (inside.has(parent)) inside.add(pid);
  }
  return all.filter(({ pid }) => inside.has(pid));
}

export function childrenOf(pid: number): number[] {
  return trees([pid])
    .filter(({ parent }) => parent === pid)
    .map((stat) => stat.pid);
}

/** CPU seconds that the trees have used since they began, ended children included. */
export function cpuSeconds(roots: readonly number[]): number {
  return trees(roots).reduce((sum, { ticks }) => sum + ticks, 0) / TICKS_PER_SECOND;
}

/** Memory of the trees in MiB: proportional set size, so that a page shared by forked processes counts once. */
export function memoryMiB(roots: readonly number[]): number {
  let kib = 0;
  for (const { pid } of trees(roots)) {
    try {
      kib += Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "latin1"))?.[1] ?? 0);
    } catch {
      // It has ended.
    }
  }
  return kib / 1024;
}

/** How long a process has been running, in ms, to 10 ms. */
export function ageMs(pid: number): number {
  const uptime = Number(readFileSync("/proc/uptime", "latin1").split(" ")[0]);
  return (uptime - (statOf(pid)?.startTicks ?? Number.NaN) / TICKS_PER_SECOND) * 1000;
}

/** CPU seconds that the whole machine has been busy since it started. */
export function busySeconds(): number {
  const line = readFileSync("/proc/stat", "latin1").split("\n")[0] ?? "";
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = line.split(/\s+/).slice(1).map(Number);
  return (user + nice + system + irq + softirq) / TICKS_PER_SECOND;
}

export type Machine = { cpus: number; model: string; memoryGiB: number; node: string; load: number };

export function machine(): Machine {
  const [first] = cpus();
  return {
    cpus: cpus().length,
    model: first?.model ?? "",
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    load: loadavg()[0] ?? 0,
  };
}
