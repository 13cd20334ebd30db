import type { Runtime } from "@orlop/core";
import { findProgram } from "@orlop/kernel";
import { busyboxObstacle } from "@orlop/testkit";
import { OciRuntime } from "./oci/oci-runtime.ts";
import { ShimRuntime } from "./shim/shim-runtime.ts";

type Closable = Runtime & { close(): void };

interface Peer {
  /** Debian's packages have programs of these names. */
  readonly programs: readonly string[];
  readonly make: (root: string) => Closable;
}

/** Other programs that make containers, by the name of the runtime that drives them. */
export const PEERS: Readonly<Record<string, Peer>> = {
  "oci:runc": { programs: ["runc"], make: (root) => new OciRuntime({ binary: "runc", root }) },
  "oci:crun": { programs: ["crun"], make: (root) => new OciRuntime({ binary: "crun", root }) },
  "shim:io.containerd.runc.v2": {
    programs: ["containerd-shim-runc-v2", "runc"],
    make: (root) => new ShimRuntime({ shim: "io.containerd.runc.v2", root }),
  },
};

/** Why a peer cannot be tried here, or undefined when it can. */
export function peerObstacle({ programs }: Peer): string | undefined {
  if (process.getuid?.() !== 0) return "needs root";
  const missing = programs.find((program) => findProgram(program) === undefined);
  return missing === undefined ? busyboxObstacle() : `${missing} is not installed`;
}
