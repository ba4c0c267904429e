import type { Migration } from "../database.ts";

/**
 * Beside the tables of the embedded bus. `bus_out`: what is to go to the brokers, in order. `bus_place`: up to where each
 * partition was taken over. `bus_seen`: the last message of each origin, since a sender that was cut off sends again.
 */
export const kafkaBusMigration: Migration = {
  module: "bus-kafka",
  steps: [
    `CREATE TABLE bus_out (
       seq INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,
       origin TEXT NOT NULL
     ) STRICT;
     CREATE TABLE bus_place (
       topic TEXT NOT NULL, part INTEGER NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (topic, part)
     ) STRICT, WITHOUT ROWID;
     CREATE TABLE bus_seen (
       topic TEXT NOT NULL, part INTEGER NOT NULL, origin TEXT NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL,
       PRIMARY KEY (topic, part, origin)
     ) STRICT, WITHOUT ROWID;
     CREATE TABLE bus_moved (topic TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;`,
  ],
};
