import { startDnsServer } from "../../src/platform/dns/index.ts";
import { openList } from "./list.ts";

/* The embedded server over a list of so many entries, until it is ended. Prints its port. */

const [dir = "", size = "0"] = process.argv.slice(2);
const { publication } = await openList(dir, Number(size));
await publication.publish();
const { answer, answerWire } = publication;
const server = await startDnsServer({ host: "127.0.0.1", port: 0, answer, answerWire });
process.stdout.write(`${server.port}\n`);
