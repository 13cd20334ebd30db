import { OrlopError } from "@orlop/core";
import { alignColumns } from "../format/align-columns.ts";

/** Processes as `ps` tells of them: a title for each column, and as many fields for each process. */
export interface ProcessTable {
  readonly titles: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** As docker has it. */
const COLUMN_MIN = 20;

export function processTableText({ titles, rows }: ProcessTable): string {
  return alignColumns([titles, ...rows].map((fields) => `${fields.join("\t")}\n`).join(""), COLUMN_MIN);
}

/**
 * Of what `ps` has printed the processes with the given ids, and threads that it lists below them. The last column may have
 * blanks in it.
 *
 * @throws OrlopError `failed` when ids are not among the columns
 */
export function parsePsOutput(text: string, pids: ReadonlySet<number>): ProcessTable {
  const [heading = "", ...lines] = text.split("\n");
  const titles = fieldsOf(heading);
  const pidColumn = titles.indexOf("PID");
  if (pidColumn < 0) throw new OrlopError("failed", "Couldn't find PID field in ps output");
  const rows: (readonly string[])[] = [];
  let isWanted = false;
  for (const line of lines) {
    const fields = fieldsOf(line);
    if (fields.length === 0) continue;
    const pid = fields[pidColumn] ?? "";
    // A thread of the process above.
    if (pid !== "-") isWanted = pids.has(Number(pid));
    const last = titles.length - 1;
    if (isWanted) rows.push([...fields.slice(0, last), fields.slice(last).join(" ")]);
  }
  return { titles, rows };
}

function fieldsOf(line: string): readonly string[] {
  return line.split(/[ \t]+/).filter((field) => field !== "");
}
