export { freePorts, portsFrom, type SandboxPorts } from "./ports.ts";
export { startSandbox, type Sandbox, type SandboxOptions } from "./sandbox.ts";
export { type SeedOperator } from "./operators.ts";
export { HOSTED_DOMAINS, HOSTING } from "./world.ts";
