import { join } from "node:path";
import { clearOutbox, outboxMigration, pumpOutbox, readOutbox } from "../../src/event/index.ts";
import { busMigration } from "../../src/platform/bus/index.ts";
import { Database } from "../../src/platform/database.ts";
import { openCore } from "../../src/roles/core/core.fixture.ts";
import { coreMigrations } from "../../src/roles/core/index.ts";

/** Moves the outbox in the directory of its argument to core, whose clock stands at the second, and says after every batch that it goes on. */
const dir = process.argv[2]!;
const outbox = new Database(join(dir, "outbox.sqlite"), [outboxMigration]);
const db = new Database(join(dir, "core.sqlite"), [busMigration, ...coreMigrations]);
const { core, bus } = await openCore(Number(process.argv[3]), { db });
const source = {
  read: (limit: number) => readOutbox(outbox, limit),
  clear: (upTo: number) => clearOutbox(outbox, upTo),
};
await pumpOutbox(
  source,
  {
    ...bus,
    async publish(topic, entries) {
      await bus.publish(topic, entries);
      process.send!("published");
      await new Promise((resolve) => setImmediate(resolve));
    },
  },
  7,
);
await bus.settle();
await core.close();
await bus.close();
process.disconnect();
