import { parseArguments } from "../arguments/parse-arguments.ts";
import type { Call } from "../call.ts";
import { decodeGlobalOptions, GLOBAL_FLAGS } from "../global-options.ts";
import { OrphanContainers } from "../orphan-containers.ts";
import { VERBS } from "../verb-table.ts";

/** Verbs that make what nobody would know of. */
const MAKERS: readonly string[] = ["create", "run"];

/**
 * Removes what a call had made before it broke off: a container that was made for the process that was called. What is
 * wrong with the call itself has been said.
 */
export async function undoCall(call: Call): Promise<void> {
  const given = parseArguments(GLOBAL_FLAGS, call.args, { stopAtPositional: true });
  const [name = "", ...args] = given.positional;
  if (!MAKERS.includes(name)) return;
  const verb = await VERBS.find((entry) => entry.name === name)?.load();
  const [id] = parseArguments(verb?.flags ?? [], args, { stopAtPositional: false }).positional;
  if (id === undefined) return;
  const { root, cgroupDriver, rootless } = decodeGlobalOptions(call, given);
  const warn = (text: string): void => call.complain(`${text}\n`);
  const { hands, pid: callerPid } = call;
  const containers = new OrphanContainers({ root, hands, cgroupDriver, rootless, callerPid, warn, debug: () => {} });
  await containers.undo(id);
}
