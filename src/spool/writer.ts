import { Worker } from "node:worker_threads";
import { SpoolError } from "./errors.ts";
import type { Answer, Opened, OperationName, Operations, Request, WriterData } from "./operations.ts";

/** Calls an operation of the writer thread. What is in `given` is the thread's from then on. */
export type Call = <Name extends OperationName>(
  op: Name,
  args: Parameters<Operations[Name]>[0],
  given?: ArrayBuffer[],
) => Promise<ReturnType<Operations[Name]>>;

export type Writer = { call: Call; close(): Promise<void> };

type Waiting = { resolve: (value: never) => void; reject: (error: Error) => void };

/**
 * Starts the thread that writes the spool; rejects with SpoolError when it cannot open the file. `onFatal` is called
 * once, when it died or found the database damaged: nothing is taken after that.
 */
export async function startWriter(data: WriterData, onFatal: (error: SpoolError) => void): Promise<Writer> {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const worker = new Worker(new URL(`./writer.worker.${extension}`, import.meta.url), {
    workerData: data,
    execArgv: [],
  });
  const waiting = new Map<number, Waiting>();
  let outgoing: Request[] = [];
  let outgoingGiven: ArrayBuffer[] = [];
  let lastId = 0;
  let gone: SpoolError | undefined;
  let closing = false;

  function fail(error: SpoolError): void {
    const first = gone === undefined;
    gone ??= error;
    for (const { reject } of waiting.values()) reject(gone);
    waiting.clear();
    if (first && !closing) onFatal(error);
  }

  const exited = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
  const opened = await new Promise<Opened>((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
  });
  if (!opened.opened) {
    await exited;
    throw new SpoolError(opened.error, opened.kind);
  }
  worker.on("error", (error: Error) =>
    fail(new SpoolError(`the writer of the spool died: ${error.message}`, "io")),
  );
  worker.once("exit", () =>
    fail(new SpoolError(closing ? "the spool is closed" : "the writer of the spool ended", "io")),
  );
  worker.on("message", (answers: Answer[]) => {
    for (const answer of answers) {
      const call = waiting.get(answer.id);
      waiting.delete(answer.id);
      if (answer.ok) {
        call?.resolve(answer.value as never);
        continue;
      }
      const error = new SpoolError(answer.error, answer.kind);
      call?.reject(error);
      if (answer.kind === "corrupt") fail(error);
    }
  });

  /** Calls of one turn of the event loop travel together. */
  function post(request: Request, given: readonly ArrayBuffer[]): void {
    outgoing.push(request);
    outgoingGiven.push(...given);
    if (outgoing.length > 1) return;
    setImmediate(() => {
      const [batch, batchGiven] = [outgoing, outgoingGiven];
      [outgoing, outgoingGiven] = [[], []];
      worker.postMessage(batch, batchGiven);
    });
  }

  return {
    call: (op, args, given = []) =>
      new Promise((resolve, reject) => {
        if (gone) return reject(gone);
        const id = ++lastId;
        waiting.set(id, { resolve, reject });
        post({ id, op, args }, given);
      }),
    async close() {
      closing = true;
      // Also after a fault: the thread is there as long as it has not ended by itself.
      setImmediate(() => worker.postMessage([{ id: 0, op: "close", args: null }], []));
      await exited;
    },
  };
}
