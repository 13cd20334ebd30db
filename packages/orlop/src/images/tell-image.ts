import { familiarReference } from "@orlop/core";
import { recordEvent } from "@orlop/engine/record-event";
import type { Database } from "@orlop/image";
import { asDigest, asReference, familiarRepository } from "./image-name.ts";

/** Notes that an image has got here or away by its name, in docker's words. @param name of its record */
export function tellTransfer(database: Database, action: "pull" | "push", name: string): void {
  const reference = asDigest(name) === undefined ? asReference(name) : undefined;
  const attributes = reference === undefined ? {} : { name: familiarRepository(reference) };
  const id = reference === undefined ? name : familiarReference(reference);
  recordEvent(database, { atMs: Date.now(), type: "image", action, id, attributes });
}

/** Notes what has happened to an image, in docker's words. @param name of the record that it is about, if it has one */
export function tellImage(
  database: Database,
  action: "delete" | "import" | "load" | "save" | "tag" | "untag",
  id: string,
  name?: string,
): void {
  const reference = name === undefined || asDigest(name) !== undefined ? undefined : asReference(name);
  const attributes = { name: reference === undefined ? id : familiarReference(reference) };
  recordEvent(database, { atMs: Date.now(), type: "image", action, id, attributes });
}
