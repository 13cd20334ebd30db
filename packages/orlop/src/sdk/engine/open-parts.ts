import type { EngineEvent } from "@orlop/engine";
import { openEngine } from "../../containers/open-engine.ts";
import { SandboxHost } from "../sandbox-host.ts";
import { zygotePlace } from "../zygote-place.ts";
import type { EngineEventOptions } from "./engine.ts";
import { EngineContainers } from "./engine-containers.ts";
import { EngineImages } from "./engine-images.ts";
import { EngineNetworks } from "./engine-networks.ts";
import { EngineVolumes } from "./engine-volumes.ts";

/** What an engine of the library is made of. */
export interface EngineParts {
  readonly containers: EngineContainers;
  readonly images: EngineImages;
  readonly networks: EngineNetworks;
  readonly volumes: EngineVolumes;
  events(options: EngineEventOptions): AsyncIterable<EngineEvent>;
  /** Closes what is open. */
  readonly stack: AsyncDisposableStack;
}

/** Opens this user's engine, which is made where it is not there. @throws OrlopError */
export function openParts(): EngineParts {
  const stack = new AsyncDisposableStack();
  const open = stack.use(openEngine(zygotePlace(), () => {}));
  let host: SandboxHost | undefined;
  const useHost = (): SandboxHost => {
    host ??= stack.use(SandboxHost.take(open.stateDirectory));
    return host;
  };
  return {
    containers: new EngineContainers(open, useHost),
    images: new EngineImages(open),
    networks: new EngineNetworks(open),
    volumes: new EngineVolumes(open),
    events: ({ signal = new AbortController().signal, ...options }) => open.engine.events({ ...options, signal }),
    stack,
  };
}
