import { cp, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { removeDirectory, temporaryDirectory, type Server } from "./servers/process.ts";

const ROOT = join(import.meta.dirname, "../..");

export interface AlteredBuild extends Server {
  /** Its `dist/cli/main.js`. */
  program: string;
}

/**
 * The product with a fault built in: in `file` of `dist` the one `find` becomes `replace`. Throws when it is not there
 * exactly once.
 */
export async function alteredBuild(file: string, find: string, replace: string): Promise<AlteredBuild> {
  const directory = await temporaryDirectory("altered");
  const stop = () => removeDirectory(directory);
  try {
    for (const name of ["node_modules", "package.json", "rules", "shaping", "lexicons"])
      await symlink(join(ROOT, name), join(directory, name));
    await cp(join(ROOT, "dist"), join(directory, "dist"), { recursive: true });
    const path = join(directory, "dist", file);
    const text = await readFile(path, "utf8");
    if (text.split(find).length !== 2) throw new Error(`${file} has not one place with ${find}`);
    await writeFile(path, text.replace(find, replace));
  } catch (error) {
    await stop();
    throw error;
  }
  return { program: join(directory, "dist/cli/main.js"), stop, [Symbol.asyncDispose]: stop };
}
