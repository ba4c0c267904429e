import { describe, expect, test } from "vitest";
import { readReportMail } from "./index.ts";

const mail = (...lines: string[]) => Buffer.from(lines.join("\r\n"));

const dsn = (...recipient: string[]) =>
  mail(
    "From: MAILER-DAEMON@mx.example",
    "To: b+x@bounce.coop.test",
    "MIME-Version: 1.0",
    'Content-Type: multipart/report; report-type=delivery-status; boundary="b"',
    "",
    "--b",
    "Content-Type: text/plain",
    "",
    "It did not work.",
    "--b",
    "Content-Type: message/delivery-status",
    "",
    "Reporting-MTA: dns; mx.example",
    "Arrival-Date: Thu, 1 Jan 2026 00:00:00 +0000",
    "",
    ...recipient,
    "",
    "--b",
    "Content-Type: text/rfc822-headers",
    "",
    "Message-ID: <one@a.test>",
    "X-Atmos-Message: m1",
    "",
    "--b--",
    "",
  );

describe("delivery status notifications", () => {
  test("a failed recipient with code, status and diagnostic", async () => {
    const report = await readReportMail(
      dsn(
        "Original-Recipient: rfc822;Nobody@example.org",
        "Final-Recipient: rfc822; nobody@internal.example.org",
        "Action: failed",
        "Status: 5.1.1 (bad address)",
        "Remote-MTA: dns; mx.example.org",
        "Diagnostic-Code: smtp; 550 5.1.1 <nobody@example.org>:",
        "  Recipient address rejected",
      ),
    );
    expect(report).toMatchObject({
      kind: "dsn",
      statuses: [
        {
          recipient: "nobody@example.org",
          action: "failed",
          status: "5.1.1",
          code: 550,
          remoteMta: "mx.example.org",
          diagnostic: "550 5.1.1 <nobody@example.org>: Recipient address rejected",
        },
      ],
    });
    expect(report.kind === "dsn" && report.original.get("x-atmos-message")).toBe("m1");
  });

  test.each([
    ["delayed", "delayed"],
    ["DELIVERED", "delivered"],
    ["surprised", "unknown"],
  ])("action %s is %s", async (action, expected) => {
    const report = await readReportMail(
      dsn("Final-Recipient: rfc822; a@b.c", `Action: ${action}`, "Status: 4.4.1"),
    );
    expect(report.kind === "dsn" && report.statuses[0]?.action).toBe(expected);
  });
});

describe("complaints", () => {
  const arf = (thirdType: string, ...fields: string[]) =>
    mail(
      "From: fbl@provider.test",
      'Content-Type: multipart/report; report-type=feedback-report; boundary="b"',
      "MIME-Version: 1.0",
      "",
      "--b",
      "Content-Type: text/plain",
      "",
      "A user complained.",
      "--b",
      "Content-Type: message/feedback-report",
      "",
      ...fields,
      "",
      "--b",
      `Content-Type: ${thirdType}`,
      "",
      "Return-Path: <b+token@bounce.coop.test>",
      "From: noreply@a.test",
      "",
      "--b--",
      "",
    );

  test.each(["message/rfc822", "text/rfc822-headers", "message/rfc822-headers"])("with %s", async (type) => {
    const report = await readReportMail(arf(type, "Feedback-Type: abuse", "User-Agent: X/1", "Version: 1"));
    expect(report).toMatchObject({
      kind: "complaint",
      feedbackType: "abuse",
      originalMailFrom: "b+token@bounce.coop.test",
    });
    expect(report.kind === "complaint" && report.original.get("from")).toBe("noreply@a.test");
  });

  test("the reporter's own words on the return path come first, and not-spam is told apart", async () => {
    const report = await readReportMail(
      arf("message/rfc822", "Feedback-Type: not-spam", "Original-Mail-From: <b+other@bounce.coop.test>"),
    );
    expect(report).toMatchObject({ feedbackType: "not-spam", originalMailFrom: "b+other@bounce.coop.test" });
  });
});

test("a vacation notice is no bounce, and other mail is other mail", async () => {
  expect(await readReportMail(mail("From: a@b.c", "Auto-Submitted: auto-replied", "", "Away"))).toEqual({
    kind: "auto-reply",
  });
  expect(await readReportMail(mail("From: a@b.c", "", "Hello"))).toEqual({ kind: "other" });
});

test("a mail nested beyond reason is refused as a value", async () => {
  const lines: string[] = [];
  for (let i = 0; i < 40; i++) lines.push(`Content-Type: multipart/mixed; boundary="b${i}"`, "", `--b${i}`);
  expect((await readReportMail(mail(...lines, "", "x"))).kind).toBe("unreadable");
});
