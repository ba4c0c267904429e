import { mkdir, rm, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fail, messageOf, ok, warn, type Probe } from "./probe.ts";

const LOW_BYTES = 1024 ** 3;

export const disk: Probe = async ({ config }) => {
  const dir = config.DATA_DIR;
  const file = join(dir, `.doctor-${process.pid}`);
  try {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    await writeFile(file, "x");
    await rm(file);
  } catch (error) {
    return [
      fail(
        "disk",
        `${dir} cannot be written: ${messageOf(error)}`,
        "Give the directory to the user that runs atmos, or set ATMOS_DATA_DIR.",
      ),
    ];
  }
  const { bavail, bsize } = await statfs(dir);
  const free = bavail * bsize;
  const text = `${dir} is writable, ${(free / 1024 ** 3).toFixed(1)} GiB free`;
  return [
    free < LOW_BYTES
      ? warn("disk", text, "Free some room: a full disk stops submission (451 4.3.1).")
      : ok("disk", text),
  ];
};
