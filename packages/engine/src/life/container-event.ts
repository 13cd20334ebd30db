import type { Container } from "../state/container-rows.ts";
import type { EngineEvent } from "../state/event-rows.ts";

/** The event of something that has happened to a container, with the attributes that docker gives it. */
export function containerEvent(
  { id, name, image, labels, state }: Container,
  action: string,
  attributes: Readonly<Record<string, string>> = {},
): Omit<EngineEvent, "number"> {
  const exit = action === "die" ? { exitCode: String(state.exitCode) } : {};
  return {
    atMs: Date.now(),
    type: "container",
    action,
    id,
    attributes: { ...labels, image: image.text, name, ...exit, ...attributes },
  };
}
