import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { complete, removeDirectory, temporaryDirectory, type Address, type Server } from "./process.ts";

export interface SpamAssassinOptions {
  dns: Address;
  /** A file of site rules. */
  rules: string;
}

export interface SpamAssassin extends Server {
  /** Scans a raw message: rule -> score. */
  scan(raw: string | Buffer): Promise<Record<string, number>>;
  /** What `spamassassin --lint` has against the rules; empty when nothing. */
  lint(): Promise<string>;
}

const PLUGINS = ["DKIM", "AskDNS", "DNSEval", "Check", "HeaderEval"];

/** Debian's SpamAssassin with these rules and no others, one run a message. */
export async function startSpamAssassin({ dns, rules }: SpamAssassinOptions): Promise<SpamAssassin> {
  const directory = await temporaryDirectory("spamassassin");
  const [site, home] = [join(directory, "site"), join(directory, "home")];
  for (const path of [site, home]) await mkdir(path);
  await writeFile(
    join(site, "init.pre"),
    PLUGINS.map((name) => `loadplugin Mail::SpamAssassin::Plugin::${name}\n`).join(""),
  );
  await writeFile(
    join(site, "local.cf"),
    `dns_server [${dns.host}]:${dns.port}
dns_available yes
clear_trusted_networks
clear_internal_networks
use_bayes 0
util_rb_tld example test
full DKIM_SIGNED eval:check_dkim_signed()
full DKIM_VALID eval:check_dkim_valid()
full DKIM_VALID_AU eval:check_dkim_valid_author_sig()
score DKIM_SIGNED 0.1
score DKIM_VALID -0.1
score DKIM_VALID_AU -0.1
add_header all Tests _TESTSSCORES(,)_
`,
  );
  await writeFile(join(site, "rules.cf"), rules);
  const options = [
    "--siteconfigpath",
    site,
    "--configpath",
    site,
    "--prefspath",
    join(home, "user_prefs"),
    "--nocreate-prefs",
  ];
  const stop = () => removeDirectory(directory);
  return {
    async scan(raw) {
      const { stdout } = await complete("env", [`HOME=${home}`, "spamassassin", ...options], { input: raw });
      const [, tests = ""] = /^X-Spam-Tests: (.*(?:\n[ \t].*)*)/m.exec(stdout) ?? [];
      const scores = tests.replace(/\s+/g, "").split(",");
      return Object.fromEntries(
        scores
          .filter((one) => one.includes("="))
          .map((one) => [one.split("=")[0]!, Number(one.split("=")[1])]),
      );
    },
    async lint() {
      const { stdout, stderr } = await complete(
        "env",
        [`HOME=${home}`, "spamassassin", ...options, "--lint"],
        {
          anyExit: true,
        },
      );
      return `${stdout}${stderr}`.trim();
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
