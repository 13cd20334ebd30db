import type { SQLInputValue, SQLOutputValue } from "node:sqlite";

/** What snapshots need of a database: tables of their own, and transactions that exclude those of other processes. */
export interface SnapshotDatabase {
  /** Tables, made or brought up to date step by step before the next use. */
  add(component: { readonly name: string; readonly steps: readonly string[] }): void;
  get(sql: string, ...values: readonly SQLInputValue[]): Readonly<Record<string, SQLOutputValue>> | undefined;
  all(sql: string, ...values: readonly SQLInputValue[]): readonly Readonly<Record<string, SQLOutputValue>>[];
  /** Within a transaction. */
  run(sql: string, ...values: readonly SQLInputValue[]): number;
  /** All of `work` or nothing of it; other writers wait. */
  transaction<T>(work: () => T): T;
}
