import { join } from "node:path";
import { asOrdinaryUser, findOrdinaryUser, ordinaryUserObstacle } from "./ordinary-user.ts";
import { skippedFiles, type TestOutcome } from "./test-outcome.ts";
import { runKernelTests } from "./test-steps.ts";

/** Rootless tests: as the caller, and for root as an ordinary user of this machine, who must be able to read them. */
export async function runRootlessTests(root: string, files: readonly string[]): Promise<TestOutcome> {
  if (files.length === 0 || process.getuid?.() !== 0) return runKernelTests(root, files);
  const user = findOrdinaryUser(process.env, "/etc/passwd", "/etc/subuid");
  const obstacle = await ordinaryUserObstacle(user, join(root, "tools", "test.ts"));
  if (obstacle !== undefined) return skippedFiles(files, obstacle);
  return asOrdinaryUser(user, (runAs) => runKernelTests(root, files, runAs));
}
