import type { RuntimeSpec } from "@orlop/core";
import type { Container } from "../state/container-rows.ts";
import type { NewEvent } from "../state/event-rows.ts";

/** The events of its volumes being mounted, or not any more. @param spec its OCI config, which says how */
export function volumeEvents(
  { id, volumes }: Pick<Container, "id" | "volumes">,
  action: "mount" | "unmount",
  spec?: RuntimeSpec,
): readonly NewEvent[] {
  return volumes.map(({ name, destination }) => {
    const options = spec?.mounts?.find((mount) => mount.destination === destination)?.options ?? [];
    const how = {
      destination,
      propagation: "",
      "read/write": String(!options.some((option) => option === "ro" || option === "rro")),
    };
    const attributes = { container: id, driver: "local", ...(action === "mount" ? how : {}) };
    return { atMs: Date.now(), type: "volume", action, id: name, attributes };
  });
}

/** The event of something that has happened to a container, with the attributes that docker gives it. */
export function containerEvent(
  { id, name, image, labels, state }: Pick<Container, "id" | "name" | "image" | "labels"> & Partial<Container>,
  action: string,
  attributes: Readonly<Record<string, string>> = {},
): NewEvent {
  const exit = action === "die" && state !== undefined ? { exitCode: String(state.exitCode) } : {};
  return {
    atMs: Date.now(),
    type: "container",
    action,
    id,
    attributes: { ...labels, image: image.text, name, ...exit, ...attributes },
  };
}
