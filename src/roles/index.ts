export { acmeNames } from "./certificates.ts";
export { readPoolKey } from "./pool-key.ts";
export { sessionKeyOf, startServe, type Serve, type ServeOptions } from "./serve.ts";
export type { QueueHistory } from "./queue-desk.ts";
