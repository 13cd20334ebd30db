import { generateId, OrlopError } from "@orlop/core";
import { randomBytes } from "@orlop/kernel";
import type { EngineContext } from "../engine-context.ts";
import type { Container } from "../state/container-rows.ts";
import { randomName } from "./random-name.ts";

/** @throws OrlopError `conflict` for a name that is taken */
export function refuseTaken({ rows, transients }: EngineContext, name: string): void {
  refuse(name, rows.named(name) ?? transients().find((each) => each.name === name));
}

/** As {@link refuseTaken}, by containers of the database; whoever is making one now is waited for. */
export function refuseKept({ database, rows }: EngineContext, name: string): void {
  refuse(
    name,
    database.transaction(() => rows.named(name)),
  );
}

/** One that nobody has. */
export function freeName({ rows }: EngineContext): string {
  for (let digits = 0; ; digits++) {
    // There are some thousands of names: the more of them are taken, the longer they get.
    const name = randomName(randomBytes) + generateId(randomBytes).slice(0, digits);
    if (rows.named(name) === undefined) return name;
  }
}

function refuse(name: string, holder: Pick<Container, "id"> | undefined): void {
  if (holder === undefined) return;
  const way = "Try another name, or remove or rename that container.";
  const what = `it is already in use by container "${holder.id}"`;
  throw new OrlopError("conflict", `Cannot use name "${name}": ${what}\n${way}`, { field: "name" });
}
