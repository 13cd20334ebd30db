import { join } from "node:path";
import { CHANGES_COMPONENT, STORE_CHANGES_COMPONENT } from "../collect/changes-log.ts";
import { Database } from "../database/database.ts";
import { LocalContentStore } from "./local-content-store.ts";
import { LocalImageStore } from "./local-image-store.ts";
import { LocalLeaseStore } from "./local-lease-store.ts";

export interface Store extends Disposable {
  readonly content: LocalContentStore;
  readonly images: LocalImageStore;
  readonly leases: LocalLeaseStore;
  /** For further components, such as a snapshotter's. */
  readonly database: Database;
  close(): void;
}

/**
 * The store below a directory: content, names of images and leases, for several processes at once. Nothing is read or
 * made before the first use.
 */
export function openStore(root: string): Store {
  const database = new Database(join(root, "metadata.db"));
  const parts = {
    content: new LocalContentStore(join(root, "content"), database),
    images: new LocalImageStore(database),
    leases: new LocalLeaseStore(database),
  };
  for (const component of [CHANGES_COMPONENT, STORE_CHANGES_COMPONENT]) database.add(component);
  return {
    ...parts,
    database,
    close: () => database.close(),
    [Symbol.dispose]: () => database.close(),
  };
}
