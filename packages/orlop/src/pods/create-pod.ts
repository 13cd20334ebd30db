import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { OrlopError } from "@orlop/core";
import type { Pod } from "@orlop/engine";
import { HOST_GATEWAY } from "@orlop/engine/name-files";
import type { OpenEngine } from "../containers/open-engine.ts";
import { networkFiles } from "../run/network-files.ts";
import type { PodWish } from "./pod-wish.ts";

const SHM_SIZE_BYTES = 64 * 1024 * 1024;
/** sethostname(2): __NEW_UTS_LEN. */
const HOSTNAME_LENGTH_MAX = 64;

/** Makes a pod, of which nothing is shared yet. @throws OrlopError */
export async function createPod({ engine, machine }: OpenEngine, wish: PodWish): Promise<Pod> {
  const isHost = wish.network.kind === "host";
  // This machine's network is nobody's to share.
  const share = isHost ? wish.share.filter((name) => name !== "net") : wish.share;
  const sharesNetwork = share.includes("net");
  if (
    wish.addedHosts.some(({ address }) => address === HOST_GATEWAY) &&
    (wish.network.kind !== "networks" || machine.rootless)
  ) {
    throw new OrlopError(
      "unsupported",
      `Cannot add host "${HOST_GATEWAY}": the pod's network does not lead to this machine`,
    );
  }
  if (!sharesNetwork && wish.network.kind === "networks") {
    const what = "it has none of its own, as its containers do not share net";
    throw new OrlopError("invalid", `Cannot connect a pod with networks: ${what}\nTry --share ipc,net,uts.`);
  }
  return await engine.pods.create(wish.name, async ({ name, directory }) => {
    const hostname = wish.hostname ?? (isHost ? machine.hostname : hostnameOf(name));
    const names = { hostname, hosts: wish.addedHosts, ...wish.dns };
    if (sharesNetwork) {
      const files = join(directory, "files");
      mkdirSync(files, { mode: 0o755 });
      networkFiles(files, names, wish.network.kind);
    }
    return {
      labels: wish.labels,
      share,
      network: wish.network,
      names,
      exitPolicy: wish.exitPolicy,
      ...(wish.resources === undefined ? {} : { resources: wish.resources }),
      shmSizeBytes: wish.shmSizeBytes ?? SHM_SIZE_BYTES,
      sysctl: wish.sysctl,
      ...(wish.cgroupParent === undefined ? {} : { cgroupParent: wish.cgroupParent }),
      annotations: wish.annotations ?? {},
    };
  });
}

/** A name of a pod may have what a host name may not. */
function hostnameOf(name: string): string {
  return name
    .replaceAll(/[^A-Za-z0-9.-]/g, "-")
    .slice(0, HOSTNAME_LENGTH_MAX)
    .replace(/[-.]+$/, "");
}
