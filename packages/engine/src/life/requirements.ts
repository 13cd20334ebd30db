import { OrlopError } from "@orlop/core";
import type { EngineContext } from "../engine-context.ts";
import type { Container } from "../state/container-rows.ts";

/** Those that cannot be without a container. */
export function dependentsOf({ rows }: EngineContext, { id }: Pick<Container, "id">): readonly Container[] {
  return rows.requiring(id);
}

/** @throws OrlopError `conflict` for one that others require */
export function refuseRequired(context: EngineContext, container: Container): void {
  const names = dependentsOf(context, container).map(({ name }) => name);
  if (names.length === 0) return;
  throw new OrlopError(
    "conflict",
    `Cannot remove container "${container.name}": others require it: ${names.join(", ")}\nTry removing those first, or --depend, which does.`,
  );
}
