import { existsSync } from "node:fs";
import { Database } from "../../platform/database.ts";
import { createRulesDesk, type RulesDesk, type StoredEvent } from "../../roles/rules-desk.ts";
import type { Verdict } from "../../rules/index.ts";
import { CommandError } from "../output.ts";

type Explained = NonNullable<ReturnType<RulesDesk["explain"]>>;

/** What the books of core say, of a running core or of its file. */
export type Books = {
  explain(actionId: string): Promise<Explained>;
  events(): AsyncGenerator<StoredEvent>;
  verdicts(since: number): AsyncGenerator<Verdict>;
};

const AT_ONCE = 500;

export async function openBooks(options: { env?: string; db?: string }): Promise<Books> {
  return options.db === undefined ? askedBooks(options.env) : fileBooks(options.db);
}

async function askedBooks(env: string | undefined): Promise<Books> {
  const { apiOf } = await import("../api.ts");
  const api = apiOf(env);
  return {
    explain: async (id) =>
      (await api("GET", `/rules/actions/${encodeURIComponent(id)}`)) as unknown as Explained,
    events: () =>
      pages(async (after) => {
        const page = await api("GET", `/rules/history?after=${after}`);
        return { items: page["events"] as StoredEvent[], next: page["next"] as number | null };
      }),
    verdicts: (since) =>
      pages(async (after) => {
        const page = await api("GET", `/rules/verdicts?after=${after}&since=${since}`);
        return { items: page["verdicts"] as Verdict[], next: page["next"] as number | null };
      }),
  };
}

function fileBooks(path: string): Books {
  if (!existsSync(path)) throw new CommandError(`${path}: there is no such file.`);
  const desk = read(() => createRulesDesk(new Database(path, [], { readOnly: true })));

  function read<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      const { message } = error as Error;
      throw new CommandError(
        `${path}: it is no core.sqlite of this version (${message}). Start atmos serve of this version on it once.`,
      );
    }
  }

  return {
    async explain(id) {
      const found = read(() => desk.explain(id));
      if (found) return found;
      throw new CommandError(`${id}: no such event is kept here.`);
    },
    events: () =>
      pages(async (after) => {
        const { events: items, next } = read(() => desk.history(after, AT_ONCE));
        return { items, next };
      }),
    verdicts: (since) =>
      pages(async (after) => {
        const { verdicts: items, next } = read(() => desk.verdicts(after, since, AT_ONCE));
        return { items, next };
      }),
  };
}

async function* pages<T>(
  page: (after: number) => Promise<{ items: T[]; next: number | null }>,
): AsyncGenerator<T> {
  for (let after: number | null = 0; after !== null;) {
    const { items, next }: { items: T[]; next: number | null } = await page(after);
    yield* items;
    after = next;
  }
}
