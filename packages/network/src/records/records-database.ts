/** Tables that belong together; each step is SQL that leads from one version to the next. */
export interface RecordsComponent {
  readonly name: string;
  readonly steps: readonly string[];
}

type Value = string | number | bigint | null | NodeJS.ArrayBufferView;
type Row = Readonly<Record<string, Value | Uint8Array>>;

/** What records need of a database that several processes use: `Database` of `@orlop/image` has it. */
export interface RecordsDatabase {
  add(component: RecordsComponent): void;
  get(sql: string, ...values: readonly Value[]): Row | undefined;
  all(sql: string, ...values: readonly Value[]): readonly Row[];
  run(sql: string, ...values: readonly Value[]): number;
  transaction<T>(work: () => T): T;
  /** Another one when anybody has changed anything since, this connection included. */
  version(): string;
}
