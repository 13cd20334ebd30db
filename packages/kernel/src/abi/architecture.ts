import { OrlopError } from "@orlop/core";

/** The processor architectures the machine is emitted for, by the kernel's `uname -m` name. */
export type Architecture = "x86_64" | "aarch64";

/** The architecture of this process; throws `unsupported` on any other. */
export function hostArchitecture(): Architecture {
  switch (process.arch) {
    case "x64":
      return "x86_64";
    case "arm64":
      return "aarch64";
    default:
      throw new OrlopError("unsupported", `Cannot run on processor "${process.arch}": only x64 and arm64 are built`);
  }
}
