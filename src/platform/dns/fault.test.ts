import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { decode, encode, type Answer } from "dns-packet";
import { afterEach, describe, expect, test } from "vitest";
import { createResolver } from "./index.ts";
import { RCODE } from "./wire.ts";

const CHECKING_DISABLED = 0x10;
let socket: Socket;
afterEach(() => socket.close());

type Behaviour = { rcode: number; extendedError?: number; unchecked?: number; recovered?: number };

/** A server that answers as a validating resolver may: with this code, an extended error, another code with CD set,
 * and yet another once it was asked like that. */
async function validating({ rcode, extendedError, unchecked, recovered }: Behaviour): Promise<string> {
  let wasLifted = false;
  socket = createSocket("udp4");
  socket.on("message", (data, from) => {
    const query = decode(data);
    const lifted = ((query.flags ?? 0) & CHECKING_DISABLED) !== 0;
    const checked = wasLifted ? (recovered ?? rcode) : rcode;
    wasLifted ||= lifted;
    const info = Buffer.alloc(2);
    info.writeUInt16BE(extendedError ?? 0);
    const options = extendedError === undefined ? [] : [{ code: 15, data: info }];
    const opt = { type: "OPT", name: ".", udpPayloadSize: 1232, flags: 0, options } as unknown as Answer;
    socket.send(
      encode({
        type: "response",
        id: query.id ?? 0,
        flags: lifted && unchecked !== undefined ? unchecked : checked,
        questions: query.questions ?? [],
        additionals: [opt],
      }),
      from.port,
      from.address,
    );
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return `127.0.0.1:${socket.address().port}`;
}

describe("why the DNS gave no answer", () => {
  const cases: [string, Behaviour, string, string][] = [
    ["bogus, said so", { rcode: RCODE.servfail, extendedError: 6 }, "bogus", "extended error 6"],
    ["an expired signature", { rcode: RCODE.servfail, extendedError: 7 }, "bogus", "extended error 7"],
    ["bogus, there when not validated", { rcode: RCODE.servfail, unchecked: 0 }, "bogus", "SERVFAIL"],
    ["a broken server", { rcode: RCODE.servfail }, "servfail", "SERVFAIL"],
    ["no reachable authority", { rcode: RCODE.servfail, extendedError: 22 }, "servfail", "extended error 22"],
    ["refused", { rcode: RCODE.refused }, "refused", "REFUSED"],
  ];
  test.each(cases)("%s", async (_, behaviour, kind, detail) => {
    const server = await validating(behaviour);
    const answer = await createResolver({ servers: [server], tries: 1, timeoutMs: 2000 }).resolve(
      "a.test",
      "A",
    );
    expect(answer).toMatchObject({ status: "temperror", kind, detail: expect.stringContaining(detail) });
  });

  test("an outage that ends between the questions is no bad signature", async () => {
    const server = await validating({
      rcode: RCODE.servfail,
      unchecked: RCODE.noerror,
      recovered: RCODE.nxdomain,
    });
    const answer = await createResolver({ servers: [server], tries: 1, timeoutMs: 2000 }).resolve(
      "a.test",
      "A",
    );
    expect(answer).toEqual({ status: "nxdomain", authentic: false });
  });
});
