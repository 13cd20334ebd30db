/** A row of the data file: something that docker's client prints otherwise, and why it is so. */
export interface KnownDifference {
  /** Of the command lines that it is about; `*` stands for any text. */
  readonly command: string;
  readonly part: "stdout" | "stderr" | "status";
  readonly reason: string;
  readonly pattern: RegExp;
}

const PARTS = ["stdout", "stderr", "status"] as const;

/** @throws Error for what is no row, and for one without a reason */
export function decodeKnownDifferences(text: string): readonly KnownDifference[] {
  return (JSON.parse(text) as readonly Readonly<Record<string, unknown>>[]).map(({ command, part, reason }, index) => {
    const known = PARTS.find((each) => each === part);
    if (typeof command !== "string" || known === undefined || typeof reason !== "string" || reason === "") {
      throw new Error(`Cannot read known difference ${index + 1}: it has no command, part or reason`);
    }
    const parts = command.split("*").map((each) => each.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
    return { command, part: known, reason, pattern: new RegExp(`^${parts.join(".*")}$`, "s") };
  });
}
