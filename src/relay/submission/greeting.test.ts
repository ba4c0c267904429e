import { once } from "node:events";
import { connect, type AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { SMTPServer } from "smtp-server";
import { afterEach, expect, test, vi } from "vitest";
import { greetAtOnce } from "./greeting.ts";

const started: SMTPServer[] = [];

afterEach(async () => {
  vi.useRealTimers();
  await Promise.all(started.splice(0).map((server) => new Promise<void>((resolve) => server.close(resolve))));
});

async function start(greeted: () => void): Promise<number> {
  const server = new SMTPServer({
    disableReverseLookup: true,
    logger: false,
    onConnect(_session, done) {
      greeted();
      done();
    },
  });
  started.push(server);
  greetAtOnce(server, () => undefined);
  server.listen(0, "127.0.0.1");
  await once(server.server, "listening");
  return (server.server.address() as AddressInfo).port;
}

test("the banner comes without any timer, and once when the timer is there after all", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout"] });
  const greeted = vi.fn();
  const socket = connect(await start(greeted), "127.0.0.1");
  const [banner] = await once(socket, "data");
  vi.advanceTimersByTime(1_000);
  socket.write("QUIT\r\n");
  expect(String(banner) + (await text(socket))).toMatch(/^220 [^\r]+\r\n221 [^\r]+\r\n$/);
  expect(greeted).toHaveBeenCalledTimes(1);
});
