export * from "./frame.ts";
export * from "./label.ts";
