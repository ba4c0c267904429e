import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A PDS that means harm, and counts what it could do. */
export class HostilePds {
  requests = 0;
  bytesSent = 0;
  open = 0;
  answer: (req: IncomingMessage, res: ServerResponse) => void | Promise<void> = (_, res) => void res.end();
  origin = "";
  #server!: Server;

  static async start(): Promise<HostilePds> {
    const pds = new HostilePds();
    pds.#server = createServer((req, res) => {
      pds.requests++;
      pds.open++;
      res.on("close", () => pds.open--);
      res.on("error", () => undefined);
      void pds.answer(req, res);
    }).listen(0, "127.0.0.1");
    await once(pds.#server, "listening");
    pds.origin = `http://127.0.0.1:${(pds.#server.address() as AddressInfo).port}`;
    return pds;
  }

  /** Sends as fast as the other side takes it, until `limit` or until it hangs up. */
  async pour(res: ServerResponse, chunk: Uint8Array, limit: number): Promise<void> {
    res.setMaxListeners(0);
    for (let sent = 0; sent < limit && !res.destroyed; sent += chunk.length) {
      this.bytesSent += chunk.length;
      if (!res.write(chunk)) await Promise.race([once(res, "drain"), once(res, "close")]);
    }
    res.end();
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
