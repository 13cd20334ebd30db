import { type Mount, OrlopError } from "@orlop/core";
import type { Engine } from "@orlop/engine";
import { askedMounts } from "../inspect/mount-document.ts";
import type { RequestedMount } from "../run/requested-mount.ts";
import type { VolumesFrom } from "../run/volumes-from-flag.ts";

/**
 * What another container has mounted of volumes and of this machine, whether or not it runs; memory is its own.
 *
 * @throws OrlopError `not-found`; `unsupported` for one that goes with its command
 */
export async function mountsFrom(
  engine: Pick<Engine, "find" | "spec">,
  { container: text, readonly }: VolumesFrom,
): Promise<readonly RequestedMount[]> {
  const container = await engine.find(text);
  const spec = engine.spec(container);
  if (spec === undefined) {
    const what = "what it has mounted is known to the command that runs it alone";
    throw new OrlopError("unsupported", `Cannot mount volumes from container "${text}": ${what}`);
  }
  const asked = askedMounts({ container, spec }).filter(({ type }) => type === "bind");
  return asked.map(({ volume, ...mount }) => {
    const mounted = readonly ? asReadonly(mount) : mount;
    if (volume === undefined) return { mount: mounted };
    const { source: _source, ...placed } = mounted;
    return { mount: placed, volume: { name: volume.name, copies: false } };
  });
}

function asReadonly(mount: Mount): Mount {
  const options = mount.options ?? [];
  if (options.includes("rro")) return mount;
  return { ...mount, options: [...options.filter((option) => option !== "ro" && option !== "rw"), "rro"] };
}
