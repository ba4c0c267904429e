import { open, rm } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { downloadOf } from "./api.ts";
import { memberPath, who, type Decided } from "./member.ts";
import { CommandError, EXIT, outputFor } from "./output.ts";

/** `atmos member export DID --out FILE`: everything about a member, as a zip. */
export async function memberExport(
  did: string,
  options: Decided & { out: string; whole?: boolean },
): Promise<number> {
  const out = outputFor(options);
  const query = new URLSearchParams({ ...who(options), ...(options.whole && { whole: "true" }) });
  const file = await open(options.out, "wx", 0o600).catch(({ code }: NodeJS.ErrnoException) => {
    throw new CommandError(
      code === "EEXIST"
        ? `--out ${options.out} is there already: name another file.`
        : `--out ${options.out} cannot be written (${code}).`,
      EXIT.usage,
    );
  });
  const writing = file.createWriteStream();
  try {
    const body = await downloadOf(options.env)(memberPath(did, `/export?${query}`));
    await pipeline(Readable.fromWeb(body), writing);
  } catch (error) {
    writing.destroy();
    await rm(options.out, { force: true });
    if (error instanceof CommandError) throw error;
    throw new CommandError(
      `The export broke off (${String(error)}), and what had come was removed. Look at the log of atmos serve, then ask again.`,
    );
  }
  out.say(`Written to ${options.out}, ${writing.bytesWritten} bytes. README.md in it explains each file.`);
  out.say(
    options.whole
      ? "It names the recipients of the member's mail: hand it to the member, and keep no copy."
      : "Addresses of recipients are masked; the owner gets them whole on its page.",
  );
  out.result({ file: options.out, bytes: writing.bytesWritten, whole: options.whole === true });
  return EXIT.ok;
}
