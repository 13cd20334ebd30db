import { KeptWork } from "../process/keep-programs.ts";
import type { KeptPrograms } from "../process/kept-programs.ts";
import type { ForegroundPlan } from "./foreground-program.ts";
import { keepForegrounds } from "./keep-foregrounds.ts";

/** What one call of the command has compiled and others that the same process serves need not compile again. */
export class KeptCalls extends KeptWork {
  readonly foregrounds: KeptPrograms<ForegroundPlan> = keepForegrounds();
}
