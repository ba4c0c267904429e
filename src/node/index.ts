export { createEar, nodeState, type CutOffLimits } from "./state.ts";
export * from "./words.ts";
