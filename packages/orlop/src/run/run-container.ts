import { defaultSpec, generateId, type RuntimeSpec, shortId } from "@orlop/core";
import { ProcessRuntime } from "@orlop/runtime";
import { hostRoot } from "../image/host-root.ts";

/** thin */
export async function runContainer(args: readonly string[]): Promise<number> {
  const rest = args.filter((a, i) => !(a.startsWith("-") && i < args.indexOf("host")) && i !== args.indexOf("host"));
  const command = rest[0] === "--" ? rest.slice(1) : rest;
  const uid = process.geteuid?.() ?? 0;
  const gid = process.getegid?.() ?? 0;
  const id = generateId();
  const base = defaultSpec({ args: command, rootPath: "/" });
  const spec: RuntimeSpec = {
    ...base,
    hostname: shortId(id),
    mounts: (base.mounts ?? [])
      .filter((m) => m.type !== "cgroup")
      .map((m) => (uid === 0 ? m : { ...m, options: (m.options ?? []).filter((o) => o !== "gid=5") })),
    linux: {
      ...base.linux,
      namespaces: [
        ...(base.linux?.namespaces ?? []).filter((n) => n.type !== "cgroup"),
        ...(uid === 0 ? [] : [{ type: "user" as const }]),
      ],
      ...(uid === 0
        ? {}
        : {
            uidMappings: [{ containerID: 0, hostID: uid, size: 1 }],
            gidMappings: [{ containerID: 0, hostID: gid, size: 1 }],
          }),
    },
  };
  const root = uid === 0 ? "/run/orlop" : `${process.env.XDG_RUNTIME_DIR ?? `/tmp/orlop-${uid}`}/orlop`;
  const runtime = new ProcessRuntime({ root, stdio: "inherit" });
  try {
    await runtime.run({
      id,
      bundle: "/",
      spec,
      rootfs: hostRoot(uid === 0),
      stdio: { stdin: "inherit", stdout: "inherit", stderr: "inherit" },
    });
    const status = await runtime.wait(id);
    await runtime.delete(id);
    return status.exitCode;
  } finally {
    runtime.close();
  }
}
