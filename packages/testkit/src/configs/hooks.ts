import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Hook, Hooks } from "@orlop/core";
import type { ConfigContext, DifferentialConfig } from "../differential/differential-config.ts";
import { baseSpec } from "./base-spec.ts";

/**
 * What a hook was given, in a file: its state's members without numbers, its environment, its directory, its
 * namespaces.
 */
const hookScript = `b=/bin/busybox
file=$1
state=$($b cat)
{
  echo "arguments $0 $*"
  echo "directory $($b pwd)"
  echo "environment $($b env | $b sort | $b grep -v -e ^SHLVL= -e ^PWD= -e ^OLDPWD= | $b tr '\\n' ' ')"
  for member in ociVersion id status bundle annotations; do
    case "$state" in *\\"$member\\"*) echo "state has $member" ;; esac
  done
  echo "state $(echo "$state" | $b grep -o '"status": *"[a-z]*"' | $b tr -d ' ')"
  case "$state" in *'"pid":0'*|*'"pid": 0'*) echo "pid 0" ;; *'"pid"'*) echo "pid given" ;; *) echo "no pid" ;; esac
  for type in ipc net pid user uts; do
    echo "namespace $($b readlink /proc/self/ns/$type)"
  done
  if [ -e /probe.sh ]; then echo "root of the container"; else echo "root of the host"; fi
} >$file
`;

/** Where the script lies on the host and, for the hooks that run there, in the container. */
function hook({ host, rootfs }: ConfigContext, kind: keyof Hooks, more: Partial<Hook> = {}): Hook {
  const inside = kind === "startContainer";
  writeFileSync(join(inside ? rootfs : host, "hook.sh"), hookScript);
  const script = inside ? "/hook.sh" : join(host, "hook.sh");
  const output = inside ? "/hook-output" : join(host, kind);
  return { path: "/bin/busybox", args: ["busybox", "sh", script, output], env: ["HOOK=yes", `KIND=${kind}`], ...more };
}

function hookConfig(kind: keyof Hooks): DifferentialConfig {
  const showInside = 'while read line; do echo "hook $line"; done </hook-output';
  return {
    name: `hook-${kind.toLowerCase()}`,
    exercises: `a ${kind} hook`,
    make: (context) => ({
      ...baseSpec(context),
      annotations: { "org.example.hooked": "yes" },
      hooks: { [kind]: [hook(context, kind)] },
    }),
    ...(kind === "startContainer" ? { extra: showInside } : { hostFiles: [kind] }),
  };
}

function failing(name: string, exercises: string, kind: keyof Hooks, broken: Hook): DifferentialConfig {
  return { name, exercises, make: (context) => ({ ...baseSpec(context), hooks: { [kind]: [broken] } }) };
}

const fails: Hook = { path: "/bin/busybox", args: ["busybox", "false"] };
const hangs: Hook = { path: "/bin/busybox", args: ["busybox", "sleep", "20"], timeout: 1 };

/** Hooks of every kind, and hooks that fail. */
export const hookConfigs: readonly DifferentialConfig[] = [
  hookConfig("prestart"),
  hookConfig("createRuntime"),
  hookConfig("createContainer"),
  hookConfig("startContainer"),
  hookConfig("poststart"),
  hookConfig("poststop"),
  {
    name: "hooks-in-order",
    exercises: "hooks of one kind after each other",
    make: (context) => {
      // Each reads its state: crun 1.8 fails now and then when a hook ends without that.
      const append = (word: string): Hook => ({
        path: "/bin/busybox",
        args: ["busybox", "sh", "-c", `busybox cat >/dev/null; echo ${word} >>${join(context.host, "order")}`],
      });
      const hooks = {
        prestart: [append("prestart-1"), append("prestart-2")],
        createRuntime: [append("createRuntime")],
        createContainer: [append("createContainer")],
        poststart: [append("poststart")],
        poststop: [append("poststop-1"), append("poststop-2")],
      };
      return { ...baseSpec(context), hooks };
    },
    hostFiles: ["order"],
  },
  failing("hook-fails-prestart", "a prestart hook that fails", "prestart", fails),
  failing("hook-fails-create-runtime", "a createRuntime hook that fails", "createRuntime", fails),
  failing("hook-fails-create-container", "a createContainer hook that fails", "createContainer", fails),
  failing("hook-fails-start-container", "a startContainer hook that fails", "startContainer", fails),
  failing("hook-fails-poststop", "a poststop hook that fails", "poststop", fails),
  failing("hook-hangs", "a hook that exceeds its time", "createRuntime", hangs),
  failing("hook-missing", "a hook that does not exist", "createRuntime", { path: "/no/such/hook" }),
  failing("hook-relative", "a hook with a relative path", "createRuntime", { path: "bin/true" }),
];
