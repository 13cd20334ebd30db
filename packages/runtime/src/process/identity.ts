import { type Capabilities, OrlopError, type Process } from "@orlop/core";
import { CAP_DATA, CAP_HEADER, CAPABILITIES, capabilityWords, type ProgramBuilder } from "@orlop/kernel";

const LINUX_CAPABILITY_VERSION_3 = 0x20080522;

interface IdentityOptions {
  readonly process: Process;
  readonly lastCapability: number;
  /** setgroups(2) is forbidden: a user namespace made without privileges. */
  readonly groupsDenied: boolean;
  /** The groups of the caller stay as they are. */
  readonly keepGroups: boolean;
}

function numbers(names: readonly string[] | undefined, last: number): number[] {
  // A name that this kernel or we do not know is no error: ProcessRuntime warns of it (config.md, "Linux Process").
  return (names ?? []).map((name) => CAPABILITIES.indexOf(name)).filter((number) => number >= 0 && number <= last);
}

/** To the kernel 2^32 - 1 is no id: told to become it, a process would stay root (setresuid(2)). */
const ID_MAX = 2 ** 32 - 2;

function checkIds({ user: { uid, gid, additionalGids = [] } }: Process): void {
  const ids = { uid: [uid], gid: [gid], additionalGids };
  for (const [name, numbers] of Object.entries(ids)) {
    const wrong = numbers.find((id) => !Number.isInteger(id) || id < 0 || id > ID_MAX);
    if (wrong === undefined) continue;
    const field = `process.user.${name}`;
    throw new OrlopError("invalid", `Cannot become "${wrong}": ${field} is a number from 0 to ${ID_MAX}`, { field });
  }
}

/**
 * Becomes the user, with the capabilities of the config and no others.
 *
 * The order is forced: the bounding set needs CAP_SETPCAP, group and user ids need their capabilities, which
 * PR_SET_KEEPCAPS carries over the change of uid, and the ambient set wants permitted and inheritable in place.
 */
export function emitIdentity(p: ProgramBuilder, options: IdentityOptions): void {
  const { process, lastCapability } = options;
  checkIds(process);
  // Sets that are not given are empty.
  const { user, capabilities = {} } = process;
  emitBoundingSet(p, capabilities, lastCapability);
  p.step({ action: "keep capabilities over the change of user", field: "process.user.uid" });
  p.call("prctl", [p.flags("PR_SET_KEEPCAPS"), 1, 0, 0, 0]);
  const groups = user.additionalGids ?? [];
  if (options.groupsDenied && groups.length > 0 && !options.keepGroups) {
    const what = "in a user namespace made without privileges nobody may (CVE-2014-8989)";
    throw new OrlopError("unsupported", `Cannot set groups "${groups.join(",")}": ${what}`, {
      field: "process.user.additionalGids",
    });
  }
  if (!options.groupsDenied && !options.keepGroups) {
    p.step({ action: `set groups "${groups.join(",")}"`, field: "process.user.additionalGids" });
    const list = Buffer.alloc(Math.max(4 * groups.length, 4));
    for (const [index, gid] of groups.entries()) list.writeUInt32LE(gid, 4 * index);
    p.call("setgroups", [groups.length, groups.length === 0 ? 0 : p.bytes(list, `[${groups.join(", ")}]`)]);
  }
  p.step({ action: `become group ${user.gid}`, field: "process.user.gid" });
  p.call("setresgid", [user.gid, user.gid, user.gid]);
  p.step({ action: `become user ${user.uid}`, field: "process.user.uid" });
  p.call("setresuid", [user.uid, user.uid, user.uid]);
  p.call("prctl", [p.flags("PR_SET_KEEPCAPS"), 0, 0, 0, 0]);
  emitCapabilitySets(p, capabilities, lastCapability);
}

function emitBoundingSet(p: ProgramBuilder, capabilities: Capabilities, last: number): void {
  p.step({ action: "limit the bounding set", field: "process.capabilities.bounding" });
  const kept = new Set(numbers(capabilities.bounding, last));
  const dropped = Array.from({ length: last + 1 }, (_, number) => number).filter((number) => !kept.has(number));
  if (dropped.length === 0) return;
  const names = dropped.map((number) => CAPABILITIES[number] ?? String(number));
  const list = p.bytes(Uint8Array.from(dropped), `[${names.join(", ")}]`);
  const index = p.slot("index");
  const capability = p.slot("capability");
  const next = p.label("next capability");
  p.set(index, 0);
  p.mark(next);
  p.load(capability, list, 1, index);
  p.call("prctl", [p.flags("PR_CAPBSET_DROP"), capability, 0, 0, 0]);
  p.add(index, index, 1);
  p.branch(index, "lt", dropped.length, next);
}

function emitCapabilitySets(p: ProgramBuilder, capabilities: Capabilities, last: number): void {
  p.step({ action: "set capabilities", field: "process.capabilities" });
  const words = (name: keyof Capabilities): readonly [number, number] =>
    capabilityWords(numbers(capabilities[name], last));
  const effective = words("effective");
  const permitted = words("permitted");
  const inheritable = words("inheritable");
  const header = p.struct(CAP_HEADER, { version: p.number(LINUX_CAPABILITY_VERSION_3, "_LINUX_CAPABILITY_VERSION_3") });
  const data = p.struct(CAP_DATA, {
    effective0: effective[0],
    permitted0: permitted[0],
    inheritable0: inheritable[0],
    effective1: effective[1],
    permitted1: permitted[1],
    inheritable1: inheritable[1],
  });
  p.call("capset", [header, data]);
  p.step({ action: "set ambient capabilities", field: "process.capabilities.ambient" });
  p.call("prctl", [p.flags("PR_CAP_AMBIENT"), p.flags("PR_CAP_AMBIENT_CLEAR_ALL"), 0, 0, 0], { ignore: ["EINVAL"] });
  for (const number of numbers(capabilities.ambient, last)) {
    const name = p.number(number, CAPABILITIES[number] ?? String(number));
    // EPERM: not inheritable too. The default config of runc has such, since CVE-2022-29162 emptied the inheritable set.
    p.call("prctl", [p.flags("PR_CAP_AMBIENT"), p.flags("PR_CAP_AMBIENT_RAISE"), name, 0, 0], { ignore: ["EPERM"] });
  }
}
