import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { askServers } from "./queries.ts";

/* How long lists of several sizes take to publish, and how many questions a second servers of one list answer. */

const SIZES = [10, 10_000, 100_000, 1_000_000];

type Published = { size: number; full: number; one: number; peakMiB: number; filesMiB: number };

process.stdout.write(
  "| entries | published in | one change in | peak memory | files |\n| --: | --: | --: | --: | --: |\n",
);
for (const size of SIZES) {
  const script = join(import.meta.dirname, "publish.ts");
  const text = execFileSync(process.execPath, ["--no-memory-protection-keys", script, String(size)], {
    encoding: "utf8",
    timeout: 600_000,
  });
  const { full, one, peakMiB, filesMiB } = JSON.parse(text) as Published;
  process.stdout.write(
    `| ${size} | ${full.toFixed(2)} s | ${one.toFixed(2)} s | ${peakMiB.toFixed(0)} MiB | ${filesMiB.toFixed(1)} MiB |\n`,
  );
}

const rounds = await askServers(10_000);
process.stdout.write(
  "\n| server | questions a second, each round | to rbldnsd, median |\n| -- | --: | --: |\n",
);
const median = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!;
for (const [name, each] of Object.entries(rounds)) {
  const ratio = median(each.map((value, i) => value / rounds["rbldnsd"]![i]!));
  process.stdout.write(
    `| ${name} | ${each.map((value) => value.toFixed(0)).join(", ")} | ${ratio.toFixed(2)} |\n`,
  );
}
