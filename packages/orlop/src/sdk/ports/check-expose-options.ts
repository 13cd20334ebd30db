import { OrlopError } from "@orlop/core";
import { checkOptions, type OptionCheck } from "../check-options.ts";
import type { ExposeOptions } from "./exposed-port.ts";

const PORT_MAX = 65_535;

const isPort: OptionCheck = (value) =>
  Number.isInteger(value) && Number(value) > 0 && Number(value) <= PORT_MAX
    ? undefined
    : `it is a whole number from 1 to ${PORT_MAX}`;

const CHECKS: Readonly<Record<keyof ExposeOptions, OptionCheck>> = { hostPort: isPort };

/** @throws OrlopError `invalid` */
export function checkExposeOptions(port: number, options: ExposeOptions): void {
  const wrong = isPort(port);
  if (wrong !== undefined) throw new OrlopError("invalid", `Cannot expose port ${port} of sandbox: ${wrong}`);
  checkOptions("expose port of sandbox", options, CHECKS);
}
