import { OrlopError } from "@orlop/core";

/** Who makes the container: this program's own runtime, another OCI runtime, or a shim of containerd's. */
export type RuntimeChoice =
  | { readonly kind: "process" }
  | { readonly kind: "oci" | "shim" /** A name or an absolute path. */; readonly program: string };

export const OWN_RUNTIME: RuntimeChoice = { kind: "process" };

/** Reads the value of `--runtime`. */
export function parseRuntime(text: string): RuntimeChoice {
  if (text === "process") return OWN_RUNTIME;
  const [, kind, program] = /^(oci|shim):(.+)$/.exec(text) ?? [];
  if (program === undefined) {
    throw new OrlopError("invalid", "it is process, oci:PROGRAM (oci:runc) or shim:NAME (shim:io.containerd.runc.v2)");
  }
  if (/^[A-Za-z0-9._-]+$/.test(program) || program.startsWith("/")) return { kind: kind as "oci" | "shim", program };
  throw new OrlopError("invalid", "a program is given by its name on PATH, or by its absolute path");
}

/** The same as text. */
export function runtimeName(choice: RuntimeChoice): string {
  return choice.kind === "process" ? "process" : `${choice.kind}:${choice.program}`;
}
