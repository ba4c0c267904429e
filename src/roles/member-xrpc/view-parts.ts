import { datetime } from "../xrpc-view.ts";

type Present<T> = { [K in keyof T as null extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as null extends T[K] ? K : never]?: NonNullable<T[K]>;
};

/** Without what is null: lexicons leave out what there is not. */
export const present = <T extends object>(of: T) =>
  Object.fromEntries(Object.entries(of).filter(([, value]) => value !== null)) as Present<T>;

export const time = (ms: number | null) => (ms === null ? null : datetime(ms));
export const asDid = (did: string) => did as `did:${string}:${string}`;
export const asUri = (uri: string) => uri as `${string}:${string}`;
