import { complete, type Address } from "./process.ts";

/**
 * Sends one message with swaks, from alice@member.test unless `more` says otherwise; `more` are its own
 * options, such as `--tls`. `code` is 0 when the message was taken, `stdout` the whole conversation.
 */
export async function swaks(
  to: string,
  server: Address,
  ...more: string[]
): Promise<{ code: number | null; stdout: string }> {
  const where = ["--server", server.host, "--port", String(server.port), "--helo", "client.test"];
  const what = ["--from", "alice@member.test", "--to", to, "--header", "Subject: through swaks"];
  return complete("swaks", [...where, ...what, "--body", "Hello.", ...more], { anyExit: true });
}
