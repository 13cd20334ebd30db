import { decodeProcess, OrlopError, type Process, type User } from "@orlop/core";
import { systemFailure } from "@orlop/kernel";
import type { Flag } from "./arguments/flag.ts";
import type { GivenArguments } from "./arguments/given-arguments.ts";
import type { Call } from "./call.ts";
import { callPath } from "./call-path.ts";
import { readJsonFile } from "./read-json-file.ts";

/** What changes the container's own process into the one to execute. */
export const EXEC_PROCESS_FLAGS: readonly Flag[] = [
  { name: "process", short: "p", kind: "text", value: "FILE", help: "The whole process as JSON, as in a config.json" },
  { name: "tty", short: "t", kind: "switch", help: "Give it a terminal" },
  { name: "user", short: "u", kind: "text", value: "UID[:GID]", help: "Whom it runs as" },
  { name: "additional-gids", short: "g", kind: "integers", value: "GID", help: "One more group; may be repeated" },
  { name: "cwd", kind: "text", value: "DIR", help: "Its working directory" },
  { name: "env", short: "e", kind: "list", value: "NAME=VALUE", help: "One more variable; may be repeated" },
  { name: "cap", short: "c", kind: "list", value: "CAP", help: "One more capability; may be repeated" },
  { name: "no-new-privs", kind: "switch", help: "Set-user-id programs and the like gain it nothing" },
  { name: "apparmor", kind: "text", value: "PROFILE", help: "Its AppArmor profile" },
  { name: "process-label", kind: "text", value: "LABEL", help: "Its SELinux label" },
];

/**
 * The process that the command line asks for: the file's, or the container's own with what the flags change.
 *
 * @param containerProcess reads the container's own
 * @throws OrlopError `invalid`
 */
export function execProcess(call: Call, given: GivenArguments, containerProcess: () => Process): Process {
  const file = given.filledText("process");
  return file === undefined ? changedProcess(given, containerProcess()) : fileProcess(call, given, file);
}

function fileProcess(call: Call, given: GivenArguments, file: string): Process {
  const other = EXEC_PROCESS_FLAGS.find(({ name }) => name !== "process" && name !== "tty" && given.has(name));
  const contradiction = other === undefined ? undefined : `--${other.name}`;
  if (contradiction !== undefined) {
    throw new OrlopError("invalid", `Cannot use flag "${contradiction}": --process says all about the process`);
  }
  if (given.positional.length > 1) {
    throw new OrlopError("invalid", `Cannot execute "${given.positional[1]}": --process says what to execute`);
  }
  const process = decodeProcess(processBytes(callPath(call, file)));
  return given.isOn("tty") ? { ...process, terminal: true } : process;
}

function processBytes(path: string): Uint8Array {
  try {
    return readJsonFile(path);
  } catch (error) {
    throw systemFailure(`read process "${path}"`, error);
  }
}

function changedProcess(given: GivenArguments, own: Process): Process {
  const args = given.positional.slice(1);
  if (args.length === 0) {
    throw new OrlopError("invalid", "Cannot execute nothing: exec args cannot be empty");
  }
  const { apparmorProfile, selinuxLabel, ...rest } = own;
  const apparmor = given.filledText("apparmor") ?? apparmorProfile;
  const label = given.filledText("process-label") ?? selinuxLabel;
  return {
    ...rest,
    args,
    terminal: given.isOn("tty"),
    cwd: workingDirectory(given, own),
    env: [...(own.env ?? []), ...environment(given)],
    user: changedUser(given, own.user),
    ...(given.has("no-new-privs") ? { noNewPrivileges: given.isOn("no-new-privs") } : {}),
    ...(apparmor === undefined ? {} : { apparmorProfile: apparmor }),
    ...(label === undefined ? {} : { selinuxLabel: label }),
    ...changedCapabilities(given, own),
  };
}

function workingDirectory(given: GivenArguments, { cwd }: Process): string {
  const wanted = given.filledText("cwd") ?? cwd;
  if (wanted.startsWith("/")) return wanted;
  throw new OrlopError("invalid", `Cannot use working directory "${wanted}": Cwd must be an absolute path`);
}

function environment(given: GivenArguments): readonly string[] {
  const nameless = given.list("env").find((entry) => !/^[^=]+=/.test(entry));
  if (nameless === undefined) return given.list("env");
  throw new OrlopError("invalid", `Cannot use variable "${nameless}": it has to be NAME=VALUE`);
}

/** As runc: all sets but the inheritable one, and the ambient one only where that is there. */
function changedCapabilities(given: GivenArguments, { capabilities = {} }: Process): Pick<Process, "capabilities"> {
  const more = given.list("cap");
  if (more.length === 0) return {};
  const { bounding = [], effective = [], permitted = [], inheritable, ambient = [] } = capabilities;
  return {
    capabilities: {
      ...capabilities,
      bounding: [...bounding, ...more],
      effective: [...effective, ...more],
      permitted: [...permitted, ...more],
      ...(inheritable === undefined ? {} : { ambient: [...ambient, ...more] }),
    },
  };
}

function changedUser(given: GivenArguments, own: User): User {
  const [uid, gid] = given.filledText("user")?.split(/:(.*)/s) ?? [];
  const more = given.integers("additional-gids");
  return {
    ...own,
    ...(uid === undefined ? {} : { uid: userOrGroupId("uid", uid) }),
    ...(gid === undefined ? {} : { gid: userOrGroupId("gid", gid) }),
    ...(more.length === 0
      ? {}
      : {
          additionalGids: [...(own.additionalGids ?? []), ...more.map((id) => userOrGroupId("gid", String(id)))],
        }),
  };
}

/** 2^32 - 1 is how the kernel says "no id". */
const ID_MAX = 0xffff_fffe;

/** Digits alone: names are the container's, and a number with something behind it is no number. */
function userOrGroupId(kind: "uid" | "gid", text: string): number {
  if (/^\d{1,10}$/.test(text) && Number(text) <= ID_MAX) return Number(text);
  throw new OrlopError("invalid", `bad ${kind}: ${JSON.stringify(text)} is no number from 0 to ${ID_MAX}`, {
    operation: "read command line",
  });
}
