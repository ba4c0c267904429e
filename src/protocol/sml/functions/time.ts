import { floorDivide } from "../operators.ts";
import { parseTime } from "../timestamp.ts";
import { INT, SPAN, STR } from "../types.ts";
import { fail } from "../values.ts";
import { int, span, text, type CheckContext, type FunctionTable } from "./definition.ts";

const SECOND = 1_000_000n;
const UNITS: Record<string, bigint> = {
  weeks: 604_800n,
  days: 86_400n,
  hours: 3600n,
  minutes: 60n,
  seconds: 1n,
};
const UNIT = { type: INT, constant: "int", optional: true } as const;
const GRANULARITY = { type: INT, constant: "int" } as const;
const MAX_SPAN = 999_999_999n * 86_400n * SECOND;

function checkGranularity({ constants, spanOf, report }: CheckContext): void {
  if (Number(constants.get("granularity_seconds")) >= 3600) return;
  const hint = "use 3600 seconds (an hour) or more";
  report(spanOf("granularity_seconds"), "bad-argument-value", "`granularity_seconds` is below an hour", hint);
}

export const TIME: FunctionTable = {
  TimeDelta: {
    parameters: { weeks: UNIT, days: UNIT, hours: UNIT, minutes: UNIT, seconds: UNIT },
    returns: SPAN,
    run: (args) => {
      let seconds = 0n;
      for (const [unit, size] of Object.entries(UNITS))
        if (args[unit] !== undefined) seconds += int(args, unit) * size;
      const microseconds = seconds * SECOND;
      if (microseconds > MAX_SPAN || microseconds < -MAX_SPAN) return fail("this span of time is too long");
      return { kind: "span", microseconds };
    },
  },
  TimeSince: {
    parameters: { timestamp: { type: STR } },
    returns: SPAN,
    run: (args, { action }) => {
      const since = parseTime(text(args, "timestamp"));
      if (since === undefined) return fail("this is no ISO 8601 time");
      const microseconds = action.microseconds - since;
      return { kind: "span", microseconds: microseconds > 0n ? microseconds : 0n };
    },
  },
  GetTimedeltaBucket: {
    parameters: { timedelta: { type: SPAN }, granularity_seconds: GRANULARITY },
    returns: INT,
    check: checkGranularity,
    run: (args) => floorTo(span(args, "timedelta").microseconds / SECOND, int(args, "granularity_seconds")),
  },
  GetTimestampBucket: {
    parameters: { timestamp: { type: INT }, granularity_seconds: GRANULARITY },
    returns: INT,
    check: checkGranularity,
    run: (args) => floorTo(int(args, "timestamp"), int(args, "granularity_seconds")),
  },
};

const floorTo = (value: bigint, step: bigint): bigint => floorDivide(value, step) * step;
