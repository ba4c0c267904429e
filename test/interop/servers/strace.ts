import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { removeDirectory, run, temporaryDirectory, until, type RunOptions, type Running } from "./process.ts";

/** One finished system call of one thread. */
export interface Syscall {
  /** Thread id. */
  pid: number;
  name: string;
  /** The first argument, where that is one; else -1 (`rename`, `unlink`, `futex`). */
  fd: number;
  /** What the descriptor is: a file's path, `TCP:[local->remote]`, `pipe:[n]`, ...; empty without one. */
  path: string;
  /** The return value; -1 with `error` set to its name, such as `ENOSPC`. */
  result: number;
  error?: string;
  /** Milliseconds since 1970, with microseconds as fraction: when it was called and when it had returned. */
  start: number;
  end: number;
  /** The first bytes that it wrote, at most {@link TracedOptions.dataBytes}. */
  data: Buffer;
}

export interface TracedOptions extends RunOptions {
  /** System calls to trace; those that write and those that sync unless told. */
  trace?: string[];
  /** How much of the written data is kept; 256 bytes unless told. */
  dataBytes?: number;
  /** Faults to inject, in strace's words: `fdatasync:error=EIO:when=3`, `write:signal=KILL:when=20+`. */
  inject?: string[];
}

export interface Traced extends Running {
  /** All calls in order of their start; complete once the process has ended. */
  calls(): Promise<Syscall[]>;
}

const writing = ["fdatasync", "fsync", "write", "writev", "sendto", "sendmsg", "pwrite64", "pwritev"];

/** Runs a Node script under strace(1). The process is our own child, strace only looks on. */
export async function runTraced(args: string[], options: TracedOptions = {}): Promise<Traced> {
  const directory = await temporaryDirectory("strace");
  const file = join(directory, "trace");
  const what = ["-e", `trace=${(options.trace ?? writing).join(",")}`, "-e", "signal=none"];
  const faults = (options.inject ?? []).flatMap((fault) => ["-e", `inject=${fault}`]);
  const how = ["-D", "-f", "-ttt", "-T", "-yy", "-s", String(options.dataBytes ?? 256), "-o", file];
  const all = [...how, ...what, ...faults, process.execPath, ...args];
  try {
    let tracer = 0;
    const running = await run("strace", all, {
      ...options,
      async ready(output, pid) {
        tracer ||= await tracerOf(pid);
        return tracer !== 0 && (await (options.ready?.(output, pid) ?? true));
      },
    });
    const finish = async () => {
      await running.stop();
      await until("the end of strace", () => ended(tracer));
      const text = await readFile(file, "utf8");
      await removeDirectory(directory);
      return text;
    };
    let finished: Promise<string> | undefined;
    const stop = async () => {
      await (finished ??= finish());
    };
    return {
      ...running,
      stop,
      calls: async () => parseTrace(await (finished ?? readFile(file, "utf8"))),
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await removeDirectory(directory);
    throw error;
  }
}

export interface AttachOptions {
  trace: string[];
  inject?: string[];
  /** Only calls on this file, which need not be open yet. */
  path?: string;
}

/** Traces a process that runs already, from this moment on: calls are counted from here. */
export async function attach(pid: number, { trace, inject = [], path }: AttachOptions): Promise<Traced> {
  const directory = await temporaryDirectory("strace");
  const file = join(directory, "trace");
  const how = ["-f", "-ttt", "-T", "-yy", "-s", "64", "-o", file, "-p", String(pid)];
  const what = ["-e", `trace=${trace.join(",")}`, "-e", "signal=none", ...(path ? ["-P", path] : [])];
  const faults = inject.flatMap((fault) => ["-e", `inject=${fault}`]);
  const running = await run("strace", [...how, ...what, ...faults], {
    ready: (output) => /attached/.test(output),
    stopSignal: "SIGINT",
  }).catch(async (error: unknown) => {
    await removeDirectory(directory);
    throw error;
  });
  let text: string | undefined;
  const stop = async () => {
    if (text !== undefined) return;
    await running.stop();
    text = await readFile(file, "utf8");
    await removeDirectory(directory);
  };
  return {
    ...running,
    stop,
    calls: async () => parseTrace(text ?? (await readFile(file, "utf8"))),
    [Symbol.asyncDispose]: stop,
  };
}

/** The process that traces this one, 0 for none. */
async function tracerOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return Number(/^TracerPid:\s*(\d+)/m.exec(status)?.[1] ?? 0);
}

/** True for a process that is gone, or dead and not yet reaped. */
async function ended(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  return stat === undefined || /\) [ZX] /.test(stat);
}

/** Parses the output of `strace -f -ttt -T -yy`. Calls that never returned are left out. */
export function parseTrace(text: string): Syscall[] {
  const calls: Syscall[] = [];
  const unfinished = new Map<string, { start: number; head: string }>();
  for (const line of text.split("\n")) {
    const [, pid = "", time = "", rest = ""] = /^(\d+) +([\d.]+) (.*)$/.exec(line) ?? [];
    const pending = /^(.*?) <unfinished \.\.\.>$/.exec(rest);
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest);
    const earlier = unfinished.get(pid);
    if (pending !== null) {
      unfinished.set(pid, { start: Number(time) * 1000, head: pending[1] ?? "" });
      continue;
    }
    if (resumed !== null) unfinished.delete(pid);
    const whole = resumed === null ? rest : `${earlier?.head ?? ""}${resumed[1] ?? ""}`;
    const start = resumed === null ? Number(time) * 1000 : (earlier?.start ?? Number(time) * 1000);
    const call = parseCall(whole, Number(pid), start);
    if (call !== undefined) calls.push(call);
  }
  return calls.toSorted((a, b) => a.start - b.start);
}

function parseCall(text: string, pid: number, start: number): Syscall | undefined {
  const found = /^(\w+)\((?:(\d+)<(.*?)>(?=[,)]))?(.*\)) += (-?\d+)(?: (E\w+))?.*? <([\d.]+)>$/.exec(text);
  if (found === null) return undefined;
  const [, name = "", fd = "-1", path = "", written = "", result = "", error, seconds = ""] = found;
  const strings = [...written.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map((match) => unescape(match[1] ?? ""));
  return {
    pid,
    name,
    fd: Number(fd),
    path,
    result: Number(result),
    ...(error !== undefined && { error }),
    start,
    end: start + Number(seconds) * 1000,
    data: Buffer.concat(strings),
  };
}

const letters: Record<string, string> = { n: "\n", r: "\r", t: "\t", v: "\v", f: "\f" };

/** C escapes, as strace writes them. */
function unescape(text: string): Buffer {
  const plain = text.replaceAll(/\\(x[0-9a-f]{2}|[0-7]{1,3}|.)/g, (_whole, code: string) => {
    if (/^[0-7]/.test(code)) return String.fromCharCode(Number.parseInt(code, 8));
    if (/^x./.test(code)) return String.fromCharCode(Number.parseInt(code.slice(1), 16));
    return letters[code] ?? code;
  });
  return Buffer.from(plain, "latin1");
}
