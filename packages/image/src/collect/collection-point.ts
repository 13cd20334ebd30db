/** Where a collection has arrived, each time before the step that the name tells. */
export type CollectionPoint = "end leases" | "look" | "open files" | "remove rows" | "clean up snapshots" | "leftovers";
