import { parseEnv } from "node:util";
import { execFileSync } from "node:child_process";
import { createTransport } from "nodemailer";
import { describe, expect, test } from "vitest";
import { secureRandom } from "../lib/ids.ts";
import { envLines, pdsEnvironment, type EnvironmentOptions } from "./pds-environment.ts";

const point = { host: "relay.coop.example", tls: [465, 2465], starttls: [587, 2587] };
const secret = `atms_${Buffer.from(secureRandom(20)).toString("hex")}`;
const credential = { username: "abc-def", secret };

function block(options: EnvironmentOptions = {}, domain = "pds.example", where = point) {
  const environment = pdsEnvironment(where, credential, domain, options);
  if (typeof environment === "string") throw new Error(environment);
  return environment;
}

/** What nodemailer makes of the URL: what the PDS does with it. */
function read(url: string) {
  const { options } = createTransport(url).transporter as unknown as { options: Record<string, unknown> };
  return options;
}

describe("nodemailer reads what was meant", () => {
  test.each<[string, EnvironmentOptions, string, object]>([
    ["implicit TLS", {}, "pds.example", { port: 465, secure: true }],
    ["the other port", { port: 2465 }, "pds.example", { port: 2465, secure: true }],
    ["STARTTLS", { starttls: true }, "pds.example", { port: 587, secure: false, requireTLS: true }],
    ["a domain of umlauts", { starttls: true, port: 2587 }, "post.bücher.example", { port: 2587 }],
  ])("%s", (_, options, domain, expected) => {
    const environment = block(options, domain);
    const auth = { user: credential.username, pass: secret };
    expect(read(environment.PDS_EMAIL_SMTP_URL)).toMatchObject({ host: point.host, auth, ...expected });
    expect(environment.PDS_MODERATION_EMAIL_SMTP_URL).toBe(environment.PDS_EMAIL_SMTP_URL);
  });

  test("names of umlauts are A-labels everywhere", () => {
    const environment = block({}, "bücher.example", { ...point, host: "relay.bücher.example" });
    expect(environment.PDS_EMAIL_FROM_ADDRESS).toBe("noreply@xn--bcher-kva.example");
    expect(environment.PDS_MODERATION_EMAIL_ADDRESS).toBe("moderation@xn--bcher-kva.example");
    expect(read(environment.PDS_EMAIL_SMTP_URL)["host"]).toBe("relay.xn--bcher-kva.example");
  });

  test("what would need encoding is encoded", () => {
    const odd = { username: "a:b@c", secret: "p%/#? &$" };
    const environment = pdsEnvironment(point, odd, "pds.example");
    if (typeof environment === "string") throw new Error(environment);
    expect(read(environment.PDS_EMAIL_SMTP_URL)).toMatchObject({ host: point.host, port: 465 });
    const { username, password } = new URL(environment.PDS_EMAIL_SMTP_URL);
    expect([username, password].map(decodeURIComponent)).toEqual([odd.username, odd.secret]);
  });
});

test.each<[string, EnvironmentOptions]>([
  ["a port of the other kind", { port: 587 }],
  ["a port nobody listens on", { starttls: true, port: 25 }],
  ["a sender with a blank", { from: "no reply" }],
  ["a sender with a line end", { moderationFrom: "x\nY=1" }],
])("%s is refused in words", (_, options) => {
  expect(pdsEnvironment(point, credential, "pds.example", options)).toBeTypeOf("string");
});

test("every reader of environment files takes the lines alike", () => {
  const environment = block({ starttls: true });
  const lines = envLines(environment);
  expect(parseEnv(lines)).toEqual(environment);
  const names = Object.keys(environment);
  const shell = execFileSync("sh", ["-ac", `${lines}\nprintenv ${names.join(" ")}`], { encoding: "utf8" });
  expect(shell.trim().split("\n")).toEqual(Object.values(environment));
  expect(() => envLines({ ...environment, PDS_EMAIL_FROM_ADDRESS: "a b@x" })).toThrow(/needs quotes/);
});
