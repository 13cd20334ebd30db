import { OrlopError } from "@orlop/core";
import { printWarning } from "../print.ts";
import type { Depot } from "../store/open-depot.ts";

/** After what took a name from another image: gives back what only that one held. What was asked for is done already. */
export async function collectAfterwards(depot: Depot): Promise<void> {
  try {
    await depot.collectGarbage();
  } catch (error) {
    if (!(error instanceof OrlopError)) throw error;
    printWarning(error.message);
  }
}
