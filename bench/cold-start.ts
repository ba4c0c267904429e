import { setTimeout as pause } from "node:timers/promises";
import { freePort, type Address } from "../test/interop/servers/process.ts";
import { ageMs } from "./machine.ts";
import { PEER_LOGIN, startPeer, startPeerSigner, type Login, type OurSide } from "./sides.ts";
import { logIn } from "./smtp-client.ts";
import { RECIPIENT_DOMAINS, type World } from "./world.ts";

/** Milliseconds from the start of the process to the first 250 of a message, of each round. */
export type ColdStarts = { ours: number[]; peer: number[] };

const ASK_AGAIN_MS = 5;
const GIVE_UP_MS = 30_000;

/** In turn: ours on the data that it has, Postfix on a fresh queue with its signer running already. */
export async function coldStarts(world: World, ours: OurSide, rounds: number): Promise<ColdStarts> {
  await using signer = await startPeerSigner();
  await ours.product.terminate();
  const result: ColdStarts = { ours: [], peer: [] };
  for (let round = 0; round < rounds; round++) {
    result.ours.push(
      await fromStartTo250(ours.submission, ours.logins[0]!, async () => {
        await ours.product.start();
        return { pid: ours.product.pid(), stop: () => ours.product.terminate() };
      }),
    );
    const port = await freePort();
    result.peer.push(
      await fromStartTo250({ host: "127.0.0.1", port }, PEER_LOGIN, async () => {
        const peer = await startPeer(world, { milter: signer.milter, port });
        return { pid: peer.roots()[0]!, stop: () => peer.stop() };
      }),
    );
  }
  await ours.product.start();
  return result;
}

type Started = { pid: number; stop(): Promise<unknown> };

async function fromStartTo250(to: Address, login: Login, start: () => Promise<Started>): Promise<number> {
  const done = new AbortController();
  const first = first250(to, login, done.signal);
  const started = start().finally(() => setTimeout(() => done.abort(), GIVE_UP_MS).unref());
  try {
    const [at, { pid }] = await Promise.all([first, started]);
    return at - (Date.now() - ageMs(pid));
  } finally {
    done.abort();
    await (await started).stop();
  }
}

/** Knocks until somebody opens, sends one message, and resolves with the time of its 250, ms since the epoch. */
async function first250(to: Address, login: Login, signal: AbortSignal): Promise<number> {
  for (;;) {
    try {
      await using smtp = await logIn(to, login);
      const { reply } = await smtp.send(login.sender, `first@${RECIPIENT_DOMAINS[0]}`, "First", "Hello\r\n");
      if (!reply.startsWith("250")) throw new Error(`the first message was answered ${reply}`);
      return Date.now();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ECONNREFUSED" || signal.aborted) throw error;
    }
    await pause(ASK_AGAIN_MS);
  }
}
