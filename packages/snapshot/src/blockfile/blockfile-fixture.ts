import { OrlopError } from "@orlop/core";
import { fileSystemObstacle } from "../snapshotter-fixture.ts";
import { SystemCalls } from "../system/system-calls.ts";
import { openBlockfile } from "./open-blockfile.ts";

/** Why a snapshotter of this name cannot be tried here. */
export function blockfileObstacle(name = "blockfile"): string | undefined {
  const reason = fileSystemObstacle(/fs=xfs/.test(name) ? "xfs" : "ext4");
  if (reason !== undefined) return reason;
  using system = new SystemCalls();
  try {
    openBlockfile(name, system);
    return undefined;
  } catch (error) {
    if (error instanceof OrlopError && error.code === "unsupported") return error.message;
    throw error;
  }
}
