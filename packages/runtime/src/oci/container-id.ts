import { OrlopError, parseContainerId } from "@orlop/core";
import type { GivenArguments } from "./arguments/given-arguments.ts";

/** The container that the first word names. @throws OrlopError `invalid`, in runc's words for what is no name at all */
export function containerId({ positional }: GivenArguments): string {
  const [id = ""] = positional;
  if (id === "") throw new OrlopError("invalid", "container id cannot be empty", { operation: "read command line" });
  try {
    return parseContainerId(id);
  } catch (error) {
    if (!(error instanceof OrlopError)) throw error;
    throw new OrlopError("invalid", `${error.message} (invalid container ID format)`, { cause: error });
  }
}
