import { join } from "node:path";
import { OrlopError } from "@orlop/core";
import { isInUserNamespace } from "../process/host-view.ts";
import type { Flag } from "./arguments/flag.ts";
import type { GivenArguments } from "./arguments/given-arguments.ts";
import type { Call } from "./call.ts";
import { callPath } from "./call-path.ts";
import type { LogFormat } from "./log.ts";
import type { OciCgroupDriver } from "./oci-containers.ts";

/** What stands before the verb, decoded. */
export interface GlobalOptions {
  /** Absolute. */
  readonly root: string;
  /** `--root` was given. */
  readonly isRootGiven: boolean;
  readonly cgroupDriver: OciCgroupDriver;
  /** Undefined: found out from the user. */
  readonly rootless: boolean | undefined;
  readonly logPath: string | undefined;
  readonly logFormat: LogFormat | undefined;
  readonly isDebug: boolean;
}

export const GLOBAL_FLAGS: readonly Flag[] = [
  { name: "root", kind: "text", value: "DIR", help: "Directory for the state of containers, best on tmpfs" },
  { name: "log", kind: "text", value: "FILE", help: "Where errors and warnings are written to (standard error)" },
  { name: "log-format", kind: "text", value: "text|json", help: "How they are written" },
  { name: "debug", kind: "switch", help: "Log what helps to find out how things went" },
  { name: "systemd-cgroup", kind: "switch", help: "The same as --cgroup-manager systemd" },
  {
    name: "cgroup-manager",
    kind: "text",
    value: "DRIVER",
    help: "Who makes cgroups: cgroupfs (we do), systemd, or disabled",
  },
  {
    name: "rootless",
    kind: "text",
    value: "true|false|auto",
    help: "Go on without cgroups that may not be made (auto: if not root)",
  },
  { name: "criu", kind: "text", value: "FILE", help: "The program criu, for checkpoint and restore" },
  { name: "version", short: "v", kind: "switch", help: "Show the version" },
];

/** @throws OrlopError `invalid` */
export function decodeGlobalOptions(call: Call, given: GivenArguments): GlobalOptions {
  const log = given.filledText("log");
  return {
    root: rootDirectory(call, given.text("root")),
    isRootGiven: given.has("root"),
    cgroupDriver: cgroupDriver(given),
    rootless: rootless(given.text("rootless")),
    logPath: log === undefined ? undefined : callPath(call, log),
    logFormat: logFormat(given.filledText("log-format")),
    isDebug: given.isOn("debug"),
  };
}

function rootDirectory(call: Call, given: string | undefined): string {
  if (given === undefined) return defaultRoot(call);
  if (given === "") throw new OrlopError("invalid", `Cannot use root "": it is empty`);
  const root = callPath(call, given);
  if (root === "/")
    throw new OrlopError("invalid", `Cannot use root "/": containers would be kept among its directories`);
  return root;
}

/** As runc chooses: below /run for the real root, else in the user's own directory. */
export function defaultRoot({ env }: Pick<Call, "env">): string {
  const runtimeDirectory = env.XDG_RUNTIME_DIR ?? "";
  const isOwnDirectory = process.geteuid?.() !== 0 || (isInUserNamespace() && env.USER !== "root");
  return join(runtimeDirectory !== "" && isOwnDirectory ? runtimeDirectory : "/run", "orlop-oci");
}

function cgroupDriver(given: GivenArguments): OciCgroupDriver {
  const name = given.text("cgroup-manager");
  const bySwitch = given.isOn("systemd-cgroup") ? "systemd" : undefined;
  if (name === undefined) return bySwitch ?? "cgroupfs";
  if (name !== "cgroupfs" && name !== "systemd" && name !== "disabled") {
    throw new OrlopError("invalid", `Cannot use cgroup manager "${name}": there are cgroupfs, systemd and disabled`);
  }
  if (bySwitch !== undefined && name !== bySwitch) {
    throw new OrlopError("invalid", `Cannot use cgroup manager "${name}": --systemd-cgroup asks for another one`);
  }
  return name;
}

function rootless(given: string | undefined): boolean | undefined {
  if (given === undefined || given === "" || given.toLowerCase() === "auto") return undefined;
  if (/^(?:1|t|true)$/i.test(given)) return true;
  if (/^(?:0|f|false)$/i.test(given)) return false;
  throw new OrlopError("invalid", `Cannot use rootless "${given}": there are true, false and auto`);
}

function logFormat(given: string | undefined): LogFormat | undefined {
  if (given === undefined || given === "text" || given === "json") return given;
  throw new OrlopError("invalid", `invalid log-format: ${given}`);
}
