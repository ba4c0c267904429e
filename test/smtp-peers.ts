import { connect as connectPlain, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

type Ports = { ports: { tls: number; starttls: number } };

export const auth = (user: string, pass: string) =>
  `AUTH PLAIN ${Buffer.from(`\0${user}\0${pass}`).toString("base64")}\r\n`;

/** Speaks line by line; `say` resolves with the whole reply to what was said. */
async function talk(socket: Socket) {
  socket.setEncoding("latin1");
  socket.on("error", () => undefined);
  let buffer = "";
  const waiting: ((reply: string) => void)[] = [];
  const replies: string[] = [];
  socket.on("data", (chunk: string) => {
    buffer += chunk;
    for (let match; (match = /^(?:\d{3}-.*\r\n)*\d{3}(?: .*)?\r\n/.exec(buffer));) {
      buffer = buffer.slice(match[0].length);
      const give = waiting.shift();
      if (give) give(match[0].trimEnd());
      else replies.push(match[0].trimEnd());
    }
  });
  socket.on("close", () => waiting.splice(0).forEach((give) => give("closed")));
  const reply = () =>
    new Promise<string>((resolve) => {
      const ready = replies.shift();
      if (ready) resolve(ready);
      else if (socket.destroyed) resolve("closed");
      else waiting.push(resolve);
    });
  const say = (text: string | Buffer): Promise<string> => {
    socket.write(typeof text === "string" ? Buffer.from(text, "latin1") : text);
    return reply();
  };
  await reply();
  return { say, reply, socket };
}

/** Clients that speak SMTP by hand. */
export function createPeers() {
  const sockets: Socket[] = [];
  const kept = <S extends Socket>(socket: S): S => {
    sockets.push(socket);
    return socket;
  };
  const plain = ({ ports }: Ports) => talk(kept(connectPlain(ports.starttls, "127.0.0.1")));
  const overTls = ({ ports }: Ports, options = {}) =>
    talk(kept(connectTls({ host: "127.0.0.1", port: ports.tls, rejectUnauthorized: false, ...options })));
  return {
    plain,
    overTls,
    async loggedIn(bed: Ports) {
      const peer = await overTls(bed);
      await peer.say("EHLO x\r\n");
      const reply = await peer.say(auth("alice", "secret"));
      if (!reply.startsWith("235")) throw new Error(reply);
      return peer;
    },
    close: () => sockets.splice(0).forEach((socket) => socket.destroy()),
  };
}
