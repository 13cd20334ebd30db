import { basename } from "node:path";
import { KeptPrograms } from "../process/kept-programs.ts";
import { compileForeground, type ForegroundPlan } from "./foreground-program.ts";

/** Keeps what calls become whose process is in the foreground; the id of that ends its state directory's path. */
export function keepForegrounds(): KeptPrograms<ForegroundPlan> {
  return new KeptPrograms(compileForeground, ({ pid, reaperPid, ...rest }) => ({
    values: { texts: [basename(rest.stateDirectory)], numbers: { process: pid, reaper: reaperPid } },
    rest,
  }));
}
