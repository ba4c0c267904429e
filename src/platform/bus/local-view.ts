import type { Database } from "../database.ts";
import type { BusFinding } from "./judge.ts";

/** What is on the disk of this node: waits for the brokers, and was set aside because no handler could take it. */
export type LocalView = { waiting: number; dead: { topic: string; count: number; error: string }[] };

export function localView(db: Database): LocalView {
  return {
    waiting: db.get<{ n: number }>("SELECT count(*) AS n FROM bus_out")!.n,
    dead: db.all<{ topic: string; count: number; error: string }>(
      "SELECT topic, count(*) AS count, max(error) AS error FROM bus_dead GROUP BY topic ORDER BY topic",
    ),
  };
}

const MANY = 1_000;

/** Pure. `reachable`: the brokers answer now. */
export function judgeLocal({ waiting, dead }: LocalView, reachable: boolean): BusFinding[] {
  const findings: BusFinding[] = dead.map(({ topic, count, error }) => ({
    about: topic,
    status: "fail",
    text: `${count} ${count === 1 ? "message was" : "messages were"} set aside, the last because: ${error}`,
    remedy:
      "They are in the table bus_dead of this node. It is a fault of ours: please report it with the error.",
  }));
  const text = `${waiting} ${waiting === 1 ? "message waits" : "messages wait"} here for the brokers`;
  if (reachable && waiting > MANY)
    findings.push({
      about: "outbox",
      status: "warn",
      text,
      remedy: "If it does not fall within a minute, see whether atmos serve runs, and what its log says.",
    });
  else findings.push({ about: "outbox", status: "ok", text });
  return findings;
}
