export { labelerSelfTest } from "./self-test.ts";
export { labelerSetup, type SetupOptions } from "./setup.ts";
