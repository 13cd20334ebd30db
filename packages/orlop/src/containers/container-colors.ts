import type { Container } from "@orlop/engine";
import type { Flag } from "../flags/flag.ts";
import type { ParsedFlags } from "../flags/parsed-flags.ts";
import { wantsColor } from "../wants-color.ts";

/** Podman's. */
export const COLOR: Flag = {
  name: "color",
  help: "On a terminal, what stands before the lines in a colour of each container",
};

/** SGR of ECMA-48: red to cyan. */
const COLORS = [31, 32, 33, 34, 35, 36];

/** Gives what stands before a container's lines its colour, where that is asked for and can be shown. */
export function containerColors(
  flags: ParsedFlags,
  containers: readonly Container[],
): (container: Container, text: string) => string {
  if (!flags.isOn("color") || !wantsColor()) return (_container, text) => text;
  const colors = new Map(containers.map(({ id }, index) => [id, COLORS[index % COLORS.length]]));
  return ({ id }, text) => `\x1b[${colors.get(id)}m${text}\x1b[0m`;
}
