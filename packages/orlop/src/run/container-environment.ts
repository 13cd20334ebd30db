import { DEFAULT_PATH } from "@orlop/core";
import { mergeEnvironment, type Variable } from "./environment.ts";

interface EnvironmentSources {
  readonly hostname: string;
  readonly tty: boolean;
  readonly image: readonly string[];
  readonly variables: readonly Variable[];
  /** Home directory of the container's user. */
  readonly home: string;
  /** There are the user's alone. */
  readonly isBare?: boolean;
}

/** The program's environment as docker makes it: PATH, HOSTNAME, TERM, the image's, the user's; HOME if none says. */
export function containerEnvironment(sources: EnvironmentSources): readonly string[] {
  const { hostname, tty, image, variables, home } = sources;
  if (sources.isBare === true) return mergeEnvironment([], variables);
  const base = [`PATH=${DEFAULT_PATH}`, `HOSTNAME=${hostname}`, ...(tty ? ["TERM=xterm"] : [])];
  const merged = mergeEnvironment([...base, ...image], variables);
  return merged.some((entry) => entry.startsWith("HOME=")) ? merged : [...merged, `HOME=${home}`];
}
