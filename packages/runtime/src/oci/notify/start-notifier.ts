import { FollowedProgram } from "../../process/followed-program.ts";
import type { Hands } from "../hands.ts";
import { compileNotify, type NotifyPlan } from "./notify-program.ts";

/**
 * Starts to wait for a container to be ready. Resolves when its socket is there; `done` resolves when the service manager
 * has been told, or the container has ended without a word, and rejects when it could not be told.
 */
export async function startNotifier(hands: Hands, plan: NotifyPlan): Promise<{ readonly done: Promise<void> }> {
  const program = compileNotify(plan);
  const followed = new FollowedProgram(program);
  hands.submit(program, followed.onReport);
  await followed.created.promise;
  return { done: followed.started.promise };
}
