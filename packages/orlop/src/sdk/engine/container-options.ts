import type { SandboxMount } from "../sandbox-options.ts";

/** A volume that is mounted in a container; it is made where it is not there yet. */
export interface VolumeRequest {
  readonly volume: string;
  /** In the container: absolute. */
  readonly to: string;
  /** Absent: `rw`. */
  readonly mode?: "ro" | "rw";
}

/** What `containers.create` of {@link Engine} takes; what is absent is as with `orlop create`. Another option is refused. */
export interface ContainerOptions {
  /** As the command line names it: `debian:bookworm`, `host`, `dir:PATH`, `oci:PATH`. It is pulled where it is not here. */
  readonly image: string;
  /** Program and arguments. Absent: what the image says. */
  readonly command?: readonly string[];
  /** Absent: one that is made up. */
  readonly name?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly workdir?: string;
  /** `USER[:GROUP]`. */
  readonly user?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly mounts?: readonly (SandboxMount | VolumeRequest)[];
  /** `none`, `host`, `bridge`, or the name of a network. Absent: `none`, and `bridge` where there are ports. */
  readonly network?: string;
  /** `[ADDRESS:][HOST_PORT:]CONTAINER_PORT[/PROTOCOL]`; without an address at this machine's loopback. */
  readonly ports?: readonly string[];
  /** Bytes, or text with a unit that is a power of 1024. */
  readonly memory?: number | string;
  readonly cpus?: number;
  readonly pids?: number;
}
