import { fail, type Failure, type Json } from "./values.ts";

type Step =
  | { step: "field"; name: string }
  | { step: "any-field" }
  | { step: "index"; index: number }
  | { step: "any-item" }
  /** What follows, at this place and anywhere below it. */
  | { step: "descend"; rest: Step[] };

/** A path into the data of an event: `$.a.b`, `$.list[0]`, `$.list[*].x`, `$..name`, `$.'odd key'`. */
export type JsonPath = { text: string; steps: Step[] };

const MAX_DATA_DEPTH = 100;
const TOKEN =
  /\s*(?:(\$)|(\.\.)|(\.)|(\*)|([A-Za-z_@][\w@-]*)|'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|\[\s*(?:(-?\d+)|(\*)|'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")\s*\])/gy;

/** Reads the part of jsonpath-rw that rules need, or says why not. */
export function parsePath(text: string): JsonPath | string {
  const steps: Step[] = [];
  let target = steps;
  let joined = true;
  TOKEN.lastIndex = 0;
  for (let at = 0; at < text.length;) {
    TOKEN.lastIndex = at;
    const found = TOKEN.exec(text);
    if (found === null) {
      return text.slice(at).trim() === "" && at > 0
        ? finish(text, steps, joined)
        : `cannot read \`${text.slice(at)}\``;
    }
    const [whole, root, descend, dot, star, plain, single, double, index, items, inSingle, inDouble] = found;
    if (root !== undefined) {
      if (at > 0) return "`$` stands at the beginning only";
      joined = false;
    } else if (descend !== undefined || dot !== undefined) {
      if (joined) return "a name is missing between two dots";
      joined = true;
      if (descend !== undefined) {
        const inner: Step[] = [];
        target.push({ step: "descend", rest: inner });
        target = inner;
      }
    } else if (index !== undefined || items !== undefined || (inSingle ?? inDouble) !== undefined) {
      if (joined && at > 0 && target.length === 0) return "a name is missing before the bracket";
      target.push(bracket(index, inSingle ?? inDouble));
      joined = false;
    } else {
      if (!joined) return "a dot is missing between two names";
      const name = plain ?? single ?? double;
      if (name !== undefined && ["where", "parent", "or", "and"].includes(name) && plain !== undefined) {
        return `\`${name}\` is not read here`;
      }
      if (plain?.startsWith("@") === true) return "`@` is not read here";
      target.push(star === undefined ? { step: "field", name: unquote(name!) } : { step: "any-field" });
      joined = false;
    }
    at += whole.length;
  }
  return finish(text, steps, joined);
}

const finish = (text: string, steps: Step[], joined: boolean): JsonPath | string =>
  joined ? "the path ends too early" : { text, steps };

const unquote = (name: string) => name.replace(/\\(.)/gs, "$1");

function bracket(index: string | undefined, name: string | undefined): Step {
  if (index !== undefined) return { step: "index", index: Number(index) };
  return name === undefined ? { step: "any-item" } : { step: "field", name: unquote(name) };
}

/** The first match, `undefined` without one, or a failure where the data has another shape than the path. */
export function findFirst(path: JsonPath, data: Json): Json | undefined | Failure {
  try {
    return all(path.steps, [data], 0)[0];
  } catch (error) {
    if (error instanceof Misfit) return fail(`${path.text}: ${error.message}`);
    throw error;
  }
}

class Misfit extends Error {}

function all(steps: Step[], data: Json[], depth: number): Json[] {
  if (depth > MAX_DATA_DEPTH) throw new Misfit("the data nests too deep");
  let found = data;
  for (const step of steps) {
    found =
      step.step === "descend"
        ? found.flatMap((one) => below(step.rest, one, depth))
        : found.flatMap((one) => take(step, one));
  }
  return found;
}

function below(rest: Step[], data: Json, depth: number): Json[] {
  const here = all(rest, [data], depth + 1);
  if (data === null || typeof data !== "object") return here;
  return [...here, ...Object.values(data).flatMap((child) => below(rest, child, depth + 1))];
}

function take(step: Exclude<Step, { step: "descend" }>, data: Json): Json[] {
  const isObject = data !== null && typeof data === "object" && !Array.isArray(data);
  switch (step.step) {
    case "field":
      return isObject && Object.hasOwn(data, step.name) ? [data[step.name]!] : [];
    case "any-field":
      return isObject ? Object.values(data) : [];
    case "any-item":
      return Array.isArray(data) ? data : [data];
    case "index":
      return item(data, step.index);
  }
}

function item(data: Json, index: number): Json[] {
  if (data === null || typeof data === "number" || typeof data === "boolean") {
    throw new Misfit("an index into something that is no list");
  }
  const items = typeof data === "string" ? Array.from(data) : Array.isArray(data) ? data : undefined;
  const length = items?.length ?? Object.keys(data).length;
  if (length <= index) return [];
  const value = items?.at(index);
  if (value === undefined) throw new Misfit("an index that is not there");
  return [value];
}
