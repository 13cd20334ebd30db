import type { OrlopError } from "@orlop/core";
import type { ContainerDirectory } from "../process/container-directory.ts";
import type { ContainerRecord } from "../process/container-record.ts";
import { salvageRecord } from "../process/salvage-record.ts";
import type { HostView } from "../process/supervision.ts";

/**
 * What is known of a container that is to be deleted: by force also where its files are damaged. Undefined where there was
 * no more than an empty directory, which is gone now.
 */
export function recordToDelete(
  directory: ContainerDirectory,
  id: string,
  { force, host }: { readonly force: boolean; readonly host: HostView },
): ContainerRecord | undefined {
  try {
    return directory.record(id);
  } catch (error) {
    const isDamaged = (error as OrlopError).code === "failed" || directory.created() !== undefined;
    if (force && isDamaged) return salvageRecord(directory, id, host);
    if ((error as OrlopError).code !== "not-found" || !directory.exists()) throw error;
    directory.remove();
    return undefined;
  }
}
