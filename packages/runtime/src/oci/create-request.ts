import type { Flag } from "./arguments/flag.ts";
import { readBundle } from "./bundle.ts";
import { containerId } from "./container-id.ts";
import { keptDescriptors } from "./kept-descriptors.ts";
import { listenedDescriptors, withListenedDescriptors } from "./listened-descriptors.ts";
import { notifyDirectory, serviceManager } from "./notify/await-readiness.ts";
import { NOTIFY_DIRECTORY, withNotifyMount } from "./notify/notify-mount.ts";
import type { OciCreate } from "./oci-containers.ts";
import { decodeProcessFlags, PROCESS_FLAGS } from "./process-flags.ts";
import type { VerbContext } from "./verb.ts";

/** Flags of `create` and `run`. */
export const CREATE_FLAGS: readonly Flag[] = [
  { name: "bundle", short: "b", kind: "text", value: "DIR", help: "The bundle (the working directory)" },
  { name: "config", short: "f", kind: "text", value: "FILE", help: "The config (config.json of the bundle)" },
  ...PROCESS_FLAGS,
  { name: "no-pivot", kind: "switch", help: "Without pivot_root, for a root file system on a ramdisk" },
  { name: "no-new-keyring", kind: "switch", help: "Leave the session keyring of the caller to the container" },
];

/** What the command line asks to create. */
export function createRequest(context: VerbContext, isDetached: boolean): OciCreate {
  const { call, given, globals, log } = context;
  const id = containerId(given);
  const bundle = readBundle(call, given.filledText("bundle"), given.filledText("config"), (text) => log.warn(text));
  const options = decodeProcessFlags(call, given, {
    process: bundle.spec.process,
    annotations: bundle.spec.annotations,
    isDetached,
  });
  const listened = listenedDescriptors(call);
  const isNotifying = serviceManager(call) !== undefined;
  const spec = withListenedDescriptors(bundle.spec, listened);
  return {
    ...options,
    id,
    bundle: bundle.path,
    ...(bundle.configPath === undefined ? {} : { configPath: bundle.configPath }),
    spec: isNotifying ? withNotifyMount(call, spec, notifyDirectory(globals, id)) : spec,
    directories: isNotifying ? [NOTIFY_DIRECTORY] : [],
    preserveFds: keptDescriptors(context, options.preserveFds + listened),
    noPivot: given.isOn("no-pivot"),
    noNewKeyring: given.isOn("no-new-keyring"),
  };
}
