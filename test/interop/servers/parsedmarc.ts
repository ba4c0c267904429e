import { join } from "node:path";
import { cacheDirectory, complete } from "./process.ts";

const script = `
import json, logging, sys, parsedmarc
logging.disable(logging.CRITICAL)
data = sys.stdin.buffer.read()
parse = parsedmarc.parse_report_email if sys.argv[1] == "mail" else parsedmarc.parse_report_file
try:
    print(json.dumps(parse(data, offline=True), default=str))
except parsedmarc.ParserError as problem:
    print(json.dumps({"refused": str(problem)}))
`;

/** One policy of a TLS report, in parsedmarc's words. */
export type ReadPolicy = {
  policy_domain: string;
  policy_type: string;
  policy_strings?: string[];
  successful_session_count: number;
  failed_session_count: number;
  failure_details?: Record<string, string | number>[];
};

export type ReadReport = {
  report_type: string;
  report: {
    organization_name: string;
    begin_date: string;
    end_date: string;
    contact_info: string;
    report_id: string;
    policies: ReadPolicy[];
  };
};

/** What parsedmarc makes of a report: a whole mail, or what was posted, gzipped or not. `refused`: why it takes none. */
export async function readWithParsedmarc(
  as: "mail" | "file",
  data: Buffer,
): Promise<ReadReport | { refused: string }> {
  const python = join(cacheDirectory(), "parsedmarc/bin/python");
  const { stdout } = await complete(python, ["-c", script, as], { input: data });
  return JSON.parse(stdout) as ReadReport | { refused: string };
}
