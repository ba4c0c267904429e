import { once } from "node:events";
import { lstat, open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { isoTimes } from "../lib/iso-times.ts";
import { inspect, type Inspection } from "../protocol/inspect/index.ts";
import { EXIT, plain } from "./output.ts";

/** Octets of a message that are read. */
const MOST = 64 * 1024 * 1024;
const PROGRESS_MS = 2_000;
const USAGE = `Usage: atmos inspect <file...|-> [--json]

Says what messages are that came back: bounces with their recipients, complaints, reports on DMARC and TLS, automatic
answers, other messages. Takes files and directories; - is standard input. With --json it answers with one JSON document,
for several files or a directory with one line of JSON for each. Of a file, the first 64 MiB are read.
`;

type Read = { octets: Buffer; truncated: boolean };

/** `atmos inspect`. Sets the exit code: 1 when a file could not be read, 2 when it was called wrongly. */
export async function inspectCommand(args: readonly string[]): Promise<void> {
  const called = readArguments(args);
  if (typeof called === "string") {
    process.stderr.write(`${called}\n${USAGE}`);
    process.exitCode = EXIT.usage;
    return;
  }
  if (called.help) return write(USAGE);
  // Whoever reads a part of it only, as `head` does, closes the pipe.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));
  process.exitCode = await inspectPaths(called.paths, called.json);
}

function readArguments(args: readonly string[]): { paths: string[]; json: boolean; help: boolean } | string {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { json: { type: "boolean" }, help: { type: "boolean", short: "h" } },
    });
    if (positionals.length === 0 && !values.help) return "Name a file, a directory, or - for standard input.";
    return { paths: positionals, json: values.json === true, help: values.help === true };
  } catch (error) {
    return (error as Error).message;
  }
}

async function inspectPaths(paths: readonly string[], json: boolean): Promise<number> {
  const state = { exit: EXIT.ok as number, done: 0, told: performance.now() };
  const fault = (text: string) => {
    process.stderr.write(`${plain(text)}\n`);
    state.exit = EXIT.fault;
  };
  const many = paths.length > 1 || (paths[0] !== "-" && (await isDirectory(paths[0]!)));
  for (const path of paths) {
    for await (const file of filesOf(path, fault)) {
      const read = await readStart(file).catch((error: NodeJS.ErrnoException) => faultOf(file, error));
      if (typeof read === "string") {
        fault(read);
        continue;
      }
      if (read.truncated)
        process.stderr.write(`${plain(file)} is longer than 64 MiB: only its beginning was read.\n`);
      const found = { ...(await inspect(read.octets)), ...(read.truncated && { truncated: true }) };
      if (!json) await write(`${many ? `${plain(file)}: ` : ""}${inWords(found)}`);
      else if (many) await write(`${JSON.stringify(isoTimes({ file, ...found }))}\n`);
      else await write(`${JSON.stringify(isoTimes(found), null, 2)}\n`);
      state.done++;
      if (many && performance.now() - state.told > PROGRESS_MS) {
        state.told = performance.now();
        process.stderr.write(`${state.done} messages inspected\n`);
      }
    }
  }
  return state.exit;
}

const isDirectory = (path: string) =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );

/** The files below a path in the order of their names; links within directories are not followed. */
async function* filesOf(path: string, fault: (text: string) => void): AsyncGenerator<string> {
  if (path === "-" || !(await isDirectory(path))) {
    yield path;
    return;
  }
  const waiting = [path];
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    try {
      const found = at === path ? await stat(at) : await lstat(at);
      if (found.isDirectory()) {
        const names = (await readdir(at)).toSorted((a, b) => (a < b ? 1 : -1));
        for (const name of names) waiting.push(join(at, name));
      } else if (found.isFile()) yield at;
    } catch (error) {
      fault(faultOf(at, error as NodeJS.ErrnoException));
    }
  }
}

function faultOf(file: string, { code, message }: NodeJS.ErrnoException): string {
  if (code === "ENOENT") return `${file}: there is no such file.`;
  if (code === "EACCES" || code === "EPERM") return `${file}: it may not be read by this user.`;
  return `${file}: it cannot be read (${code ?? message}).`;
}

async function readStart(path: string): Promise<Read> {
  if (path === "-") return readPipe(process.stdin);
  const file = await open(path);
  try {
    const { size } = await file.stat();
    if (size === 0) return await readPipe(file.createReadStream({ autoClose: false }));
    const octets = Buffer.allocUnsafeSlow(Math.min(size, MOST));
    let read = 0;
    while (read < octets.length) {
      const { bytesRead } = await file.read(octets, read, octets.length - read, read);
      if (bytesRead === 0) break;
      read += bytesRead;
    }
    return { octets: octets.subarray(0, read), truncated: size > MOST };
  } finally {
    await file.close();
  }
}

async function readPipe(stream: AsyncIterable<Buffer>): Promise<Read> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of stream) {
    pieces.push(piece);
    size += piece.length;
    if (size > MOST) break;
  }
  return { octets: Buffer.concat(pieces, Math.min(size, MOST)), truncated: size > MOST };
}

async function write(text: string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, "drain");
}

/** For people. */
function inWords(found: Inspection): string {
  const lines: string[] = [found.kind];
  for (const one of found.recipients) {
    const facts = [
      one.action,
      one.status,
      one.class,
      one.permanent ? "give the address up" : "keep the address",
    ];
    lines.push(
      `  ${one.address || "(nobody is named)"}: ${facts.filter(Boolean).join(", ")}; fault: ${one.fault}`,
    );
    if (one.remoteMta) lines.push(`    said by ${one.remoteMta}`);
    if (one.diagnostic) lines.push(`    ${one.diagnostic}`);
  }
  const { complaint, report } = found;
  if (complaint) {
    const facts = [complaint.type, complaint.provider && `from ${complaint.provider}`, complaint.recipient];
    lines.push(`  ${facts.filter(Boolean).join(", ")}`);
  }
  if (report) {
    const period = [report.begin, report.end].map((at) => new Date(at)).map(isoDay);
    lines.push(`  ${report.organization} ${report.reportId}: ${period.join(" to ")}`);
    if (report.kind === "dmarc")
      lines.push(`  ${report.domain}: ${report.messages} messages, ${report.aligned} aligned`);
    else
      for (const policy of report.policies)
        lines.push(`  ${policy.domain}: ${policy.succeeded} sessions well, ${policy.failed} failed`);
  }
  if (found.problem) lines.push(`  not read: ${found.problem}`);
  return `${plain(lines.join("\n"))}\n`;
}

const isoDay = (at: Date) => (Number.isNaN(at.getTime()) ? "?" : at.toISOString().slice(0, 10));
