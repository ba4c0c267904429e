import { join, resolve } from "node:path";
import { createLog } from "../platform/log.ts";
import { portsFrom, startSandbox, type Sandbox } from "../devnet/index.ts";
import { CommandError, EXIT, outputFor, type Output } from "./output.ts";
import { RULES_DIR, untilStopped } from "./serve.ts";

export type SandboxCommandOptions = {
  data: string;
  fresh?: boolean;
  days: string;
  speed: string;
  port: string;
  json?: boolean;
};

const MOST_DAYS = 60;
const MOST_SPEED = 3_600;

/** `atmos sandbox`: what `npm start` runs. */
export async function sandbox(options: SandboxCommandOptions): Promise<number> {
  const out = outputFor(options);
  const days = wholeNumber(options.days, "--days", 0, MOST_DAYS);
  const port = wholeNumber(options.port, "--port", 1024, 65_000);
  const speed = wholeNumber(options.speed, "--speed", 1, MOST_SPEED);
  const dir = resolve(options.data);
  const now = Date.now();
  out.say(`Starting a cooperative in ${dir} ...`);
  const log = createLog("warn");
  const running = await startSandbox({
    dir,
    rulesDir: RULES_DIR,
    log,
    ports: portsFrom(port),
    now,
    days,
    ...(options.fresh !== undefined && { fresh: options.fresh }),
  });
  const stopped = untilStopped(log);
  const stop = new AbortController();
  void stopped.then(() => stop.abort());
  describe(running, dir, out);
  if (running.playedUntil === undefined) {
    await playHistory(running, now, days, stop.signal, out);
  }
  if (!stop.signal.aborted) {
    out.say(
      `The cooperative is running; its clock goes ${speed} times as fast as yours. Stop it with Ctrl-C.`,
    );
    out.say("`npm start` goes on from here, `npm start -- --fresh` begins anew.");
    out.result({
      urls: { ...running.urls, committee: running.urls.committee() },
      command: commandFor(running),
      environment: join(dir, "atmos.env"),
    });
    await running.live(speed, stop.signal);
  }
  await stopped;
  await running.close();
  return EXIT.ok;
}

function wholeNumber(text: string, option: string, least: number, most: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new CommandError(
    `${option} takes a whole number from ${least} to ${most}, not "${text}".`,
    EXIT.usage,
  );
}

async function playHistory(
  running: Sandbox,
  until: number,
  days: number,
  signal: AbortSignal,
  out: Output,
): Promise<void> {
  out.say(`Playing ${days} days of traffic of ${running.operators.length} operators, through real SMTP:`);
  let last = 0;
  await running.play(
    until,
    ({ accepted, refused, failed, planned }) => {
      const done = accepted + refused + failed;
      if (done !== planned && done - last < 200) return;
      last = done;
      const time = new Date(running.clock.now()).toISOString().slice(0, 16).replace("T", " ");
      out.say(`  ${time}  ${done} of ${planned} messages, ${refused + failed} not accepted`);
    },
    signal,
  );
}

function commandFor({ operators, config, world }: Sandbox): string {
  const [operator] = operators;
  if (!operator) return "";
  const { host, port } = config.SUBMISSION_TLS_ADDRESS[0]!;
  const url = `smtps://${operator.username}:${operator.secret}@${host}:${port}`;
  return `npm run -s atmos -- send-test ada@bigmail.test --url ${url} --from ${operator.from} --ca ${world.caFile}`;
}

function describe(running: Sandbox, dir: string, out: Output): void {
  const { config, urls } = running;
  out.say("");
  out.say(`  Pages            ${urls.web}`);
  out.say(`  Committee        ${urls.committee()}`);
  out.say(`  Mailboxes        ${urls.mail}`);
  out.say(`  DNS host         ${urls.dns} (newcomers: ${running.newcomers.join(", ")})`);
  out.say(`  Accounts         ${urls.accounts} (handles and app passwords)`);
  out.say(
    `  Submission       127.0.0.1:${config.SUBMISSION_TLS_ADDRESS[0]!.port} (TLS), 127.0.0.1:${config.SUBMISSION_STARTTLS_ADDRESS[0]!.port} (STARTTLS)`,
  );
  out.say(`  Labels           ${urls.web}/xrpc/com.atproto.label.queryLabels?uriPatterns=*`);
  out.say(
    `  Allowlist        dig @127.0.0.1 -p ${config.ZONE_ADDRESS.port} ${running.operators[0]?.domain}.dwl.${config.ZONE_NAME} A`,
  );
  out.say(`  Configuration    ${dir}/atmos.env (try: npm run -s atmos -- doctor --env ${dir}/atmos.env)`);
  out.say("");
  out.say("  Send a message through it, from another terminal:");
  out.say(`    ${commandFor(running)}`);
  out.say("");
}
