import { statSync } from "node:fs";
import { type LinuxNamespaceType, OrlopError } from "@orlop/core";
import type { CreatePlan } from "../process/compilation.ts";

/** CRIU's names of namespaces that a restored container can be put into, beside network and pid. */
const JOINED: Readonly<Partial<Record<LinuxNamespaceType, string>>> = {
  ipc: "ipc",
  uts: "uts",
  user: "user",
  time: "time",
};

/**
 * Network and pid namespaces that the config names by path: CRIU leaves them as they are. Their names are those that runc
 * and crun give them, so that one can restore what the other has dumped.
 */
const OUTSIDE: Readonly<Partial<Record<LinuxNamespaceType, { readonly file: string; readonly key: string }>>> = {
  network: { file: "net", key: "extRootNetNS" },
  pid: { file: "pid", key: "extRootPidNS" },
};

/** How a dump names them: CRIU's `external`. */
export function dumpedNamespaces(joined: readonly LinuxNamespaceType[], pid: number): readonly string[] {
  return joined.flatMap((type) => {
    const outside = OUTSIDE[type];
    if (outside === undefined) return [];
    const { ino } = statSync(`/proc/${pid}/ns/${outside.file}`);
    return [`${outside.file}[${ino}]:${outside.key}`];
  });
}

/** What a restore puts the container into. */
interface RestoredNamespaces {
  /** Paths of those that CRIU takes by descriptor, each with its name. */
  readonly inherited: readonly { readonly path: string; readonly key: string }[];
  readonly joinNs: readonly { readonly ns: string; readonly nsFile: string }[];
}

/** @throws OrlopError `unsupported` for one that CRIU cannot put a container into */
export function restoredNamespaces({ request: { spec } }: CreatePlan): RestoredNamespaces {
  const namespaces = spec.linux?.namespaces ?? [];
  const given = namespaces.flatMap(({ type, path }) => (path === undefined ? [] : [{ type, path }]));
  const inherited = given.flatMap(({ type, path }) => {
    const key = OUTSIDE[type]?.key;
    return key === undefined ? [] : [{ path, key }];
  });
  const others = given.filter(({ type }) => OUTSIDE[type] === undefined);
  const joinNs = others.map(({ type, path }) => {
    const ns = JOINED[type];
    if (ns !== undefined) return { ns, nsFile: path };
    throw new OrlopError("unsupported", `Cannot restore into ${type} namespace "${path}": criu cannot join one`, {
      field: "linux.namespaces",
    });
  });
  return { inherited, joinNs };
}
