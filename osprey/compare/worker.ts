import { join } from "node:path";
import { cacheDirectory, complete, run, type Running } from "../../test/interop/servers/process.ts";

const python = join(cacheDirectory(), "osprey-worker-python/bin/python");

export type WorkerOptions = { source: string; rules: string; environment: Record<string, string> };

/** The rules as Osprey reads them, and their hash as the plugin tells it. */
export async function writeRules(from: string, to: string): Promise<string> {
  return (await complete(python, ["-m", "atmos_osprey.rules", from, to])).stdout.trim();
}

/** Osprey's own worker, as its entry point starts it. */
export async function startWorker({ source, rules, environment }: WorkerOptions): Promise<Running> {
  return run(python, [join(source, "osprey_worker/src/osprey/worker/cli/sinks.py"), "run-rules-sink"], {
    env: {
      OSPREY_RULES_PATH: rules,
      OSPREY_INPUT_STREAM_SOURCE: "plugin",
      OSPREY_RULES_SINK_NUM_WORKERS: "1",
      OSPREY_EXECUTION_RESULT_STORAGE_BACKEND: "none",
      DD_TRACE_ENABLED: "False",
      DD_DOGSTATSD_DISABLE: "True",
      ...environment,
    },
  });
}

export async function versions(): Promise<string> {
  const code =
    "import platform, importlib.metadata as m; print('Python ' + platform.python_version(), *(f'{n} {m.version(n)}' for n in ('osprey-worker', 'gevent', 'greenlet', 'confluent-kafka')), sep=', ')";
  return (await complete(python, ["-c", code])).stdout.trim();
}
