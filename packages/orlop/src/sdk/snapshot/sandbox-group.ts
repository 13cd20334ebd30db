import type { Sandbox } from "../sandbox.ts";

/** Sandboxes that are disposed of together; each may also be disposed of alone before. */
export interface SandboxGroup extends ReadonlyArray<Sandbox>, AsyncDisposable {}

/**
 * Makes several at once; where one of them comes to nothing, the others go, too.
 *
 * @param make is called so many times
 */
export async function makeSandboxes(count: number, make: () => Promise<Sandbox>): Promise<SandboxGroup> {
  const outcomes = await Promise.allSettled(Array.from({ length: count }, make));
  const made = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
  const end = async (): Promise<void> => {
    await Promise.all(made.map((box) => box[Symbol.asyncDispose]()));
  };
  const failure = outcomes.find((outcome) => outcome.status === "rejected");
  if (failure === undefined) return Object.assign(made, { [Symbol.asyncDispose]: end });
  await end();
  throw failure.reason;
}
