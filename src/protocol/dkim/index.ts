export { relaxedBodyHash, type BodyHash } from "./body.ts";
export { parseHeader, valueOf, type HeaderField } from "./header.ts";
export { signMessage, type DkimKey, type SignInput } from "./sign.ts";
