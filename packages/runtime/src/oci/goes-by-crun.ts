import type { Call } from "./call.ts";

/**
 * Called through a link that is named crun. Where crun and runc differ, and neither is the safer one, callers of that name
 * rely on crun's way.
 */
export function goesByCrun({ name }: Pick<Call, "name">): boolean {
  return name === "crun";
}
