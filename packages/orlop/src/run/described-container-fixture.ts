import { generateId } from "@orlop/core";
import type { Container, ContainerDescription, ContainerState } from "@orlop/engine";

/** A container of this machine's own files that runs `true`, but for what is given. */
export function describedContainer(changes: Partial<ContainerDescription>): ContainerDescription {
  return {
    id: generateId(),
    name: "box",
    createdAtMs: Date.UTC(2026, 0, 2, 3, 4, 5),
    image: { text: "host" },
    root: { kind: "host" },
    runtime: "process",
    config: { Cmd: ["true"] },
    process: { args: ["true"], cwd: "/", user: { uid: 0, gid: 0 } },
    labels: {},
    mountPoints: ["/dev"],
    volumes: [],
    network: { kind: "none" },
    names: { hostname: "box", hosts: [] },
    terminal: false,
    interactive: false,
    init: false,
    autoRemove: false,
    restart: { name: "no" },
    stopSignal: 15,
    stopTimeoutMs: 10_000,
    log: { driver: "file" },
    directories: [],
    ...changes,
  };
}

/** The same as the engine knows it; it has not run, but for what is given. */
export function containerOf(changes: Partial<ContainerDescription>, state: Partial<ContainerState>): Container {
  return {
    ...describedContainer(changes),
    state: {
      status: "created",
      pid: undefined,
      startedAtMs: undefined,
      finishedAtMs: undefined,
      exitCode: 0,
      oomKilled: false,
      error: "",
      restartCount: 0,
      isStoppedByUser: false,
      endpoints: [],
      ...state,
    },
  };
}
