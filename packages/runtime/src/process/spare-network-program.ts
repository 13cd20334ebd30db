import type { Architecture, Program } from "@orlop/kernel";
import { compileHolder } from "./holder-program.ts";
import { emitLoopback } from "./loopback.ts";

/** A process that holds a new network namespace, its loopback device up. */
export function compileSpareNetwork(architecture: Architecture): Program {
  const holding = {
    role: "spare network",
    name: "orlop-spare",
    action: "make a network namespace",
    why: "until somebody else is in it, or nobody will be",
  };
  return compileHolder(architecture, holding, (p) => {
    p.call("unshare", [p.flags("CLONE_NEWNET")]);
    emitLoopback({ p });
  });
}
