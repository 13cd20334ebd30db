import type { CgroupDriver } from "@orlop/kernel";
import type { HeldLayers } from "./held-layers.ts";
import type { KeptWork } from "./keep-programs.ts";
import type { ZygoteLike } from "./own-zygote.ts";
import type { Handover } from "./supervision.ts";

export interface ProcessRuntimeOptions {
  /** Directory on tmpfs for the state of containers. */
  readonly root: string;
  /** What `inherit` means for the containers' stdio: this process's own, or /dev/null. */
  readonly stdio?: "inherit" | "ignore";
  /** Starts the zygote to use, instead of one of the runtime's own. */
  readonly startZygote?: () => ZygoteLike;
  /**
   * Takes the process of a zygote, before that makes the first container, to where cgroups of containers can be entered from;
   * resolves to the text of its /proc/self/cgroup then, or undefined where it stays where this process is. Never rejects.
   */
  readonly enterOwnCgroup?: (pid: number) => Promise<string | undefined>;
  /** Who makes the cgroups: `systemd` is the machine's, or for anybody but root the user's own. */
  readonly cgroupDriver?: CgroupDriver;
  /** What was compiled before; absent: nothing, and what is, it keeps for itself. */
  readonly kept?: KeptWork;
  /** Where images stay mounted between two containers, which live as long as who has them held; absent: they do not. */
  readonly layers?: HeldLayers | undefined;
  /** False: what makers that were killed have left there is somebody else's to remove. */
  readonly sweeps?: boolean;
  /** Takes what nobody but this process needs to see done, when somebody waits for it; absent: it is done at once. */
  readonly afterwards?: (work: () => void) => void;
  /** What programs take from who starts them; the text of its /proc/self/cgroup, where a zygote is another process's. */
  readonly maker?: { readonly handover: Handover; readonly ownCgroups?: string };
  /** Where resctrl is mounted, for tests; absent: where this machine has it. */
  readonly resctrl?: string;
}
