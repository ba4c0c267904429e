import { createSocket } from "node:dgram";
import { isIP } from "node:net";

/**
 * Whether connections of this host can begin at an address: undefined when they can, else the system's code, such as
 * `EADDRNOTAVAIL`. Nothing is sent.
 */
export function faultOfLocalAddress(address: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket(isIP(address) === 6 ? "udp6" : "udp4");
    const end = (code: string | undefined) => {
      socket.close();
      resolve(code);
    };
    socket.once("error", (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
    socket.bind({ address, port: 0, exclusive: true }, () => end(undefined));
  });
}
