import { OrlopError } from "@orlop/core";
import type { Container } from "../state/container-rows.ts";

/**
 * Does the same with each container of a pod, all at once.
 *
 * @param action completes `Cannot`: `stop`
 * @throws OrlopError that tells of every failure, when all have been tried
 */
export async function withMembers(
  action: string,
  pod: string,
  members: readonly Container[],
  work: (member: Container) => Promise<unknown>,
): Promise<void> {
  const results = await Promise.allSettled(members.map(work));
  refuseFailures(
    action,
    pod,
    members.flatMap(({ name }, index) => {
      const result = results[index];
      return result?.status === "rejected" ? [{ name, error: result.reason as unknown }] : [];
    }),
  );
}

interface Failure {
  readonly name: string;
  readonly error: unknown;
}

/** What is gone, or has just ended, is as it is to be. */
export function refuseFailures(action: string, pod: string, failures: readonly Failure[]): void {
  const real = failures.filter(({ error }) => !(error instanceof OrlopError && error.code === "not-found"));
  const strange = real.find(({ error }) => !(error instanceof OrlopError));
  if (strange !== undefined) throw strange.error;
  const [first] = real;
  if (first === undefined) return;
  const lines = real.map(({ name, error }) => `container "${name}": ${(error as OrlopError).message}`);
  throw new OrlopError((first.error as OrlopError).code, `Cannot ${action} pod "${pod}": ${lines.join("\n")}`);
}
