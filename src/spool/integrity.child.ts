import { DatabaseSync } from "node:sqlite";

/** Checks one database without writing to it, and says what it found as a JSON list. */
const [path = "", pragma = "quick_check"] = process.argv.slice(2);
const LOCKED = 5;
const MOST = 5;

function findings(): string[] {
  try {
    const db = new DatabaseSync(path, { readOnly: true });
    const rows = db.prepare(`PRAGMA ${pragma === "integrity_check" ? pragma : "quick_check"}(${MOST})`).all();
    return rows.map((row) => String(Object.values(row)[0])).filter((finding) => finding !== "ok");
  } catch (error) {
    const { errcode = 0, message } = error as Error & { errcode?: number };
    if ((errcode & 0xff) === LOCKED) process.exit(LOCKED);
    return [message];
  }
}

process.stdout.write(JSON.stringify(findings()));
