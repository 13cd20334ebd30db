import { OrlopError } from "@orlop/core";
import { checkDatabase, renewCopy, repairDatabase } from "@orlop/image";

interface RepairStoreOptions {
  readonly quick: boolean;
  readonly repair: boolean;
  print(text: string): void;
}

/**
 * Checks the database, and makes it again where that is asked for. The result is whether rows may be lost.
 *
 * @throws OrlopError `failed` where it cannot be used and is not repaired
 */
export function repairStore(path: string, { quick, repair, print }: RepairStoreOptions): boolean {
  const problems = checkDatabase(path, { quick });
  for (const { text } of problems) print(`${text}\n`);
  if (!repair) {
    if (problems.some((each) => each.of !== "references")) throw notWhole(path);
    return false;
  }
  if (problems.some((each) => each.of === "database")) {
    const { source, damaged, lost } = repairDatabase(path);
    print(`database "${path}": made again of ${source === "copy" ? "its copy" : "the rows that can be read"}\n`);
    for (const each of lost) print(`database "${path}": ${each}\n`);
    if (damaged !== undefined) print(`database "${path}": the damaged file is kept as "${damaged}"\n`);
    return lost.length > 0;
  }
  if (problems.some((each) => each.of === "copy")) {
    renewCopy(path);
    print(`database "${path}": the next change begins another copy\n`);
  }
  return false;
}

function notWhole(path: string): OrlopError {
  const way = 'Try "orlop system check --repair".';
  return new OrlopError("failed", `Cannot use database "${path}": it or its copy is not what was written\n${way}`);
}
