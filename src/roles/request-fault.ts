import type { z } from "zod";

type Issue = z.core.$ZodIssue;

/** What is wrong with a request, in words for whoever typed it: the field, what it is, what would be right. */
export function requestFault(error: z.ZodError): string {
  return error.issues.map(inWords).join("; ");
}

function inWords(issue: Issue): string {
  const field = issue.path.join(".");
  const said = saying(issue);
  return field === "" ? said : `${field} ${said}`;
}

function saying(issue: Issue): string {
  switch (issue.code) {
    case "invalid_value":
      return `is one of ${issue.values.map(String).join(", ")}`;
    case "too_small":
      return atLeast(issue);
    case "too_big":
      return atMost(issue);
    case "invalid_type":
      return `is missing, or is not ${NAMES[issue.expected] ?? `of the type ${issue.expected}`}`;
    case "unrecognized_keys":
      return `${issue.path.length === 0 ? "there is no field" : "has no field"} ${issue.keys.join(", ")}`;
    default:
      return issue.message;
  }
}

function atLeast({ origin, minimum, inclusive }: Extract<Issue, { code: "too_small" }>): string {
  if (origin === "string") return Number(minimum) <= 1 ? "is empty" : `has ${minimum} characters or more`;
  if (origin === "array") return Number(minimum) <= 1 ? "names nothing" : `has ${minimum} entries or more`;
  return inclusive ? `is ${minimum} or more` : `is more than ${minimum}`;
}

function atMost({ origin, maximum, inclusive }: Extract<Issue, { code: "too_big" }>): string {
  if (origin === "string") return `has ${maximum} characters at most`;
  if (origin === "array") return `has ${maximum} entries at most`;
  return inclusive === false ? `is less than ${maximum}` : `is ${maximum} at most`;
}

const NAMES: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
};
