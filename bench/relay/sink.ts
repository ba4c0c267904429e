/** A receiving server that takes everything, under STARTTLS. Prints its port. */
import type { AddressInfo } from "node:net";
import { SMTPServer } from "smtp-server";

const server = new SMTPServer({
  authOptional: true,
  disabledCommands: ["AUTH"],
  disableReverseLookup: true,
  logger: false,
  onData(stream, _session, done) {
    stream.resume();
    stream.on("end", () => done());
  },
});
server.on("error", () => undefined);
const listening = server.listen(0, "127.0.0.1", () => console.log((listening.address() as AddressInfo).port));
