import { resolve } from "node:path";
import type { State } from "@orlop/core";

/** Files of the host's that take what a hook says, by its streams. */
export interface HookOutput {
  readonly stdout: string;
  readonly stderr: string;
}

/** crun's annotations for such files, of which relative ones count from the bundle; `log` for those that are not given. */
export function hookOutput(log: string, { bundle, annotations = {} }: State): HookOutput {
  const file = (stream: keyof HookOutput): string => {
    const path = annotations[`run.oci.hooks.${stream}`] ?? "";
    return path === "" ? log : resolve(bundle, path);
  };
  return { stdout: file("stdout"), stderr: file("stderr") };
}
