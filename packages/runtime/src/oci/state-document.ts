import type { OciState } from "./oci-containers.ts";

/** The members of runc's `state` and `list`, in its order. A container that has stopped has the pid 0. */
export function stateDocument(state: OciState, owner: string): Readonly<Record<string, unknown>> {
  const { annotations = {} } = state;
  return {
    ociVersion: state.ociVersion,
    id: state.id,
    pid: state.pid ?? 0,
    status: state.status,
    bundle: state.bundle,
    rootfs: state.rootfs,
    created: state.created,
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    owner,
  };
}
