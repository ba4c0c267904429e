import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { removeDirectory, temporaryDirectory } from "./process.ts";
import { parseTrace, runTraced, type Syscall, type TracedOptions } from "./strace.ts";

/** Answers each connection with 250 after the message is on disk. */
const server = `
import { open } from "node:fs/promises";
import { createServer } from "node:net";
const server = createServer(async (socket) => {
  socket.on("error", () => undefined);
  const file = await open(process.argv[2], "w");
  try {
    await file.write(Buffer.from('Subject: "quoted"\\r\\n\\r\\n\\x01\\x80\\xff9 body', "latin1"));
    await file.datasync();
    socket.end("250 2.0.0 queued\\r\\n");
  } catch (error) {
    socket.end("452 4.3.1 " + error.code + "\\r\\n");
  }
  await file.close();
});
server.listen(0, "127.0.0.1", () => console.log("port " + server.address().port));
process.on("SIGTERM", () => process.exit(0));
`;

async function converse(options: TracedOptions): Promise<{ reply: string; calls: Syscall[]; spool: string }> {
  const directory = await temporaryDirectory("traced");
  try {
    const [script, spool] = [join(directory, "server.mjs"), join(directory, "spool.eml")];
    await writeFile(script, server);
    const traced = await runTraced([script, spool], {
      ...options,
      ready: (output) => output.includes("port "),
    });
    try {
      const port = Number(/port (\d+)/.exec(traced.output())?.[1]);
      const socket = connect(port, "127.0.0.1");
      let reply = "";
      socket.on("data", (chunk) => (reply += chunk.toString()));
      socket.on("error", () => undefined);
      await once(socket, "close");
      await traced.stop();
      return { reply, spool: await readFile(spool, "latin1"), calls: await traced.calls() };
    } finally {
      await traced.stop();
    }
  } finally {
    await removeDirectory(directory);
  }
}

test("the trace of a real process shows that the sync had returned before the reply was written", async () => {
  const { reply, calls } = await converse({});
  expect(reply).toBe("250 2.0.0 queued\r\n");
  const written = calls.find((call) => call.name === "write" && call.path.endsWith("/spool.eml"));
  const synced = calls.find((call) => call.name === "fdatasync" && call.path.endsWith("/spool.eml"));
  const replied = calls.find(
    (call) => call.path.startsWith("TCP:") && call.data.toString().startsWith("250 "),
  );
  expect(written?.data.toString("latin1")).toBe('Subject: "quoted"\r\n\r\n\x01\x80\xff9 body');
  expect(synced?.result).toBe(0);
  expect(written!.end).toBeLessThanOrEqual(synced!.start);
  expect(synced!.end).toBeLessThanOrEqual(replied!.start);
});

test("an injected fault reaches the process: a failed sync, and a crash instead of it", async () => {
  const failed = await converse({ inject: ["fdatasync:error=EIO"] });
  expect(failed.reply).toBe("452 4.3.1 EIO\r\n");
  expect(failed.calls.find((call) => call.name === "fdatasync")).toMatchObject({ result: -1, error: "EIO" });

  const crashed = await converse({ inject: ["fdatasync:signal=KILL"] });
  expect(crashed.reply).toBe("");
  expect(crashed.spool).toContain("body");
});

test("interleaved calls are joined, vectors concatenated, other lines left out", () => {
  const trace = [
    "7  100.000100 fdatasync(9</spool/a> <unfinished ...>",
    '8  100.000200 writev(5<TCP:[127.0.0.1:25->127.0.0.1:4]>, [{iov_base="25", iov_len=2}, {iov_base="0 \\0011\\n", iov_len=4}], 2) = 6 <0.000050>',
    '8  100.000300 write(6<pipe:[1]>, "x", 1) = -1 EAGAIN (Resource temporarily unavailable) <0.000010>',
    "7  100.000400 <... fdatasync resumed>) = 0 <0.000290>",
    "8  100.000500 +++ killed by SIGKILL +++",
    "",
  ].join("\n");
  expect(
    parseTrace(trace).map(({ pid, name, path, result, error, data }) => [
      pid,
      name,
      path,
      result,
      error,
      data.toString(),
    ]),
  ).toEqual([
    [7, "fdatasync", "/spool/a", 0, undefined, ""],
    [8, "writev", "TCP:[127.0.0.1:25->127.0.0.1:4]", 6, undefined, "250 \x011\n"],
    [8, "write", "pipe:[1]", -1, "EAGAIN", "x"],
  ]);
  expect(parseTrace(trace)[0]).toMatchObject({
    start: expect.closeTo(100_000.1, 3),
    end: expect.closeTo(100_000.39, 3),
  });
});
