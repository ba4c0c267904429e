import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { startCertificateAuthority, type Certificate } from "./certificate.ts";
import { cacheDirectory, complete, run, type RunOptions, type Running } from "./process.ts";

/** The account that owns what is delivered, in each root (`setup.sh`). */
export const MAILBOX_UID = 2527;

/**
 * Runs a program of a root that `setup.sh` made, in namespaces of its own: `directory` is its `/instance`, with the
 * `resolv.conf` in it, and each of `empty` is its alone. The shell stays as their first process: it changes no uid, so the
 * kernel ends it with unshare, and with it everything inside.
 */
export function runInRoot(
  name: string,
  directory: string,
  command: string[],
  { empty = [], ...options }: Pick<RunOptions, "ready"> & { empty?: string[] },
): Promise<Running> {
  const script = `set -e
    cd "${join(cacheDirectory(), name)}/"
    mount --rbind /dev dev
    mount -t proc proc proc
    mount -t tmpfs tmpfs tmp
    ${empty.map((path) => `mount -t tmpfs -o mode=711 tmpfs ${path}`).join("\n")}
    mount --bind "${directory}" instance
    mount --bind "${directory}/resolv.conf" etc/resolv.conf
    chroot . "$@"
    exit $?`;
  const namespaces = ["--mount", "--propagation", "private", "--pid", "--fork", "--kill-child"];
  return run("unshare", [...namespaces, "sh", "-c", script, "sh", ...command], {
    ...options,
    // unshare(1) ignores SIGTERM.
    stopSignal: "SIGKILL",
  });
}

/** Key and certificate as `tls.key` and `tls.pem`, a Maildir `mail`, and no resolver: what every receiver here has. */
export async function prepareReceiver(
  directory: string,
  { hostname, tls }: { hostname: string; tls?: Pick<Certificate, "keyPath" | "certPath"> | undefined },
): Promise<void> {
  await using authority = tls ? undefined : await startCertificateAuthority();
  const pair = tls ?? (await authority!.issue(hostname));
  await writeFile(join(directory, "tls.key"), await readFile(pair.keyPath), { mode: 0o600 });
  await writeFile(join(directory, "tls.pem"), await readFile(pair.certPath));
  await writeFile(join(directory, "resolv.conf"), "");
  for (const part of ["", "/cur", "/new", "/tmp"]) await mkdir(join(directory, `mail${part}`));
  await complete("chmod", ["755", directory]);
  await complete("chown", ["-R", `${MAILBOX_UID}:${MAILBOX_UID}`, join(directory, "mail")]);
}

/** What the Maildir holds, in order of arrival. */
export async function readMaildir(directory: string): Promise<Buffer[]> {
  const stored = join(directory, "mail", "new");
  const names = await readdir(stored);
  return Promise.all(names.toSorted().map((name) => readFile(join(stored, name))));
}
