import { readSnapshot, SnapshotError } from "../../allowlist/index.ts";
import { CommandError, EXIT, outputFor, plain } from "../output.ts";
import { snapshotLines } from "./snapshot-lines.ts";

type Side = { serial: number; entries: Map<string, { code: string; did: string; cid: string }> };

/** `atmos allowlist diff A B`: what came, what went, what is listed otherwise. */
export async function allowlistDiff(a: string, b: string, options: { json?: boolean }): Promise<number> {
  const out = outputFor(options);
  const [before, after] = [await read(a), await read(b)];
  const added = [...after.entries.keys()].filter((key) => !before.entries.has(key));
  const removed = [...before.entries.keys()].filter((key) => !after.entries.has(key));
  const changed = [...after.entries].flatMap(([key, now]) => {
    const then = before.entries.get(key);
    if (!then || (then.code === now.code && then.did === now.did && then.cid === now.cid)) return [];
    return [{ key, before: then, after: now }];
  });
  out.say(`From serial ${before.serial} to ${after.serial}`);
  for (const key of removed) out.say(plain(`- ${key}`));
  for (const key of added) out.say(plain(`+ ${key} ${after.entries.get(key)!.code}`));
  for (const one of changed)
    out.say(plain(`~ ${one.key} ${one.before.code} -> ${one.after.code} ${one.after.did} ${one.after.cid}`));
  out.result({ from: before.serial, to: after.serial, added, removed, changed });
  return EXIT.ok;
}

async function read(where: string): Promise<Side> {
  const side: Side = { serial: 0, entries: new Map() };
  try {
    for await (const part of readSnapshot(await snapshotLines(where))) {
      if (part.kind === "head") side.serial = part.head.serial;
      else if (part.kind === "entry") {
        const { domain, code, did, cid } = part.entry;
        side.entries.set(domain, { code, did, cid });
      } else if (part.kind === "address") {
        const { address, code, did } = part.entry;
        side.entries.set(address, { code, did, cid: "" });
      } else if (!part.isWhole) throw new SnapshotError("it was changed after it was made");
    }
  } catch (error) {
    if (error instanceof SnapshotError) throw new CommandError(`${where}: ${plain(error.message)}.`);
    throw error;
  }
  return side;
}
