import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";

/** The numbered schema steps of one module: `steps[0]` is number 1. A step that has shipped is never edited. */
export type Migration = { module: string; steps: readonly string[] };

export type Row = Record<string, SQLInputValue>;

/**
 * One SQLite file: WAL, `synchronous=FULL` (a commit is on disk when it returns), foreign keys on, prepared
 * statements kept. Calls are synchronous; whoever cannot wait for an fsync runs it in a worker.
 */
export class Database {
  readonly path: string;
  readonly #sqlite: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #depth = 0;

  /** With `readOnly` the file must be there, and stays as it is: nothing is migrated. */
  constructor(path: string, migrations: readonly Migration[], { readOnly = false } = {}) {
    this.path = path;
    if (readOnly) {
      this.#sqlite = new DatabaseSync(path, { timeout: 10_000, readOnly });
      return;
    }
    if (path !== ":memory:") mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    this.#sqlite = new DatabaseSync(path, { timeout: 10_000 });
    this.#sqlite.exec("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;");
    migrate(this, migrations);
  }

  exec(sql: string): void {
    this.#sqlite.exec(sql);
  }

  run(sql: string, ...params: SQLInputValue[]): { changes: number; lastInsertRowid: number } {
    const { changes, lastInsertRowid } = this.#statement(sql).run(...params);
    return { changes: Number(changes), lastInsertRowid: Number(lastInsertRowid) };
  }

  /** The first row, or undefined. `T` states the columns of the query. */
  get<T>(sql: string, ...params: SQLInputValue[]): T | undefined {
    return this.#statement(sql).get(...params) as T | undefined;
  }

  all<T>(sql: string, ...params: SQLInputValue[]): T[] {
    return this.#statement(sql).all(...params) as T[];
  }

  /** Runs `work` in one transaction: all of it, or, when it throws, none of it. Nests by joining the outer one. */
  transaction<T>(work: () => T): T {
    if (this.#depth > 0) return work();
    this.#sqlite.exec("BEGIN IMMEDIATE");
    this.#depth++;
    try {
      const result = work();
      this.#sqlite.exec("COMMIT");
      return result;
    } catch (error) {
      if (this.#sqlite.isTransaction) this.#sqlite.exec("ROLLBACK");
      throw error;
    } finally {
      this.#depth--;
    }
  }

  close(): void {
    this.#statements.clear();
    this.#sqlite.close();
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.#sqlite.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

function migrate(db: Database, migrations: readonly Migration[]): void {
  db.exec("CREATE TABLE IF NOT EXISTS migration (module TEXT PRIMARY KEY, number INTEGER NOT NULL) STRICT");
  db.transaction(() => {
    for (const { module, steps } of migrations) {
      const row = db.get<{ number: number }>("SELECT number FROM migration WHERE module = ?", module);
      const done = row?.number ?? 0;
      if (done > steps.length) {
        throw new Error(
          `${db.path}: module "${module}" is at schema ${done}, but this program knows only ${steps.length}. ` +
            "A newer version wrote this file: start that version, or restore a backup from before the upgrade.",
        );
      }
      for (const step of steps.slice(done)) db.exec(step);
      db.run(
        "INSERT INTO migration (module, number) VALUES (?, ?) ON CONFLICT (module) DO UPDATE SET number = excluded.number",
        module,
        steps.length,
      );
    }
  });
}

/** SQLite result codes of a disk or file that is full, busy, locked, read-only or failing: they say nothing of the data. */
const OUTAGE_CODES = new Set([5, 6, 7, 8, 10, 13, 14]);

export function isStorageOutage(error: unknown): boolean {
  if (!(error instanceof Error) || !("errcode" in error) || typeof error.errcode !== "number") return false;
  return OUTAGE_CODES.has(error.errcode & 0xff);
}
