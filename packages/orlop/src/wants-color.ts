import { caller } from "./caller/caller.ts";

/** Whether standard output is a terminal whose user has nothing against colour (https://no-color.org). */
export function wantsColor(): boolean {
  const { stdout, env } = caller();
  return stdout.isTTY === true && !env.NO_COLOR && env.TERM !== "dumb";
}
