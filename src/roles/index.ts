export { acmeNames } from "./certificates.ts";
export { connectionOf } from "./open-bus.ts";
export { nodeSessionKey } from "./node-key.ts";
export { readPoolKey } from "./pool-key.ts";
export { coreKeyOf, derive, sessionKeyOf } from "./keys.ts";
export { startServe, type Serve, type ServeOptions } from "./serve.ts";
export { TOPICS } from "./topics.ts";
export type { TracedMessage } from "./trace-api.ts";
export type { QueueHistory } from "./queue-desk.ts";
