/** One flag of a verb, as the command line takes it and as the help shows it. */
export interface Flag {
  /** Without the dashes. */
  readonly name: string;
  /** One letter. */
  readonly short?: string;
  readonly kind: "switch" | "text" | "integer" | "duration" | "list" | "integers";
  /** What the help shows for the value: `FILE`. */
  readonly value?: string;
  readonly help: string;
  /** Obsolete spelling, which the help leaves out. */
  readonly hidden?: true;
}
