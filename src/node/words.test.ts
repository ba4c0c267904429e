import { expect, test } from "vitest";
import { signingKeyFrom, verifyingKeyOf } from "../platform/sign.ts";
import { closeCommand, closePulse, openCommand, openPulse, type NodeCommand } from "./words.ts";

const core = signingKeyFrom(new Uint8Array(32).fill(1));
const known = verifyingKeyOf(core);
const drain: NodeCommand = { node: "mx1", action: "drain", by: "Rosa", at: 7 };
const pulse = { at: 7, version: "1.0.0" };

test("what core says is understood, with what a later version adds", () => {
  expect(openPulse(closePulse(pulse, core), known)).toEqual(pulse);
  expect(openCommand(closeCommand(drain, core), known)).toEqual(drain);
  expect(openPulse(closePulse({ ...pulse, colour: 1 } as typeof pulse, core), known)).toEqual(pulse);
});

const stranger = signingKeyFrom(new Uint8Array(32).fill(2));
test.each([
  ["nothing", null],
  ["a stranger's word", closePulse(pulse, stranger)],
  ["a command in its place", closeCommand(drain, core)],
  ["another time", { ...closePulse(pulse, core), text: JSON.stringify({ ...pulse, at: 8 }) }],
  ["no signature", { text: JSON.stringify(pulse), signature: "" }],
])("not a pulse: %s", (_, value) => expect(openPulse(value, known)).toBeUndefined());
