import { OrlopError } from "@orlop/core";
import { parseImageReference } from "../image/image-reference.ts";

/**
 * The name in a registry that an image is pushed to. Podman and skopeo call archives and layouts destinations as well: taken
 * for names (`docker-archive` with the tag `x.tar`) they would go to whoever has them at docker.io.
 *
 * @throws OrlopError `unsupported` for what is in no registry
 */
export function pushDestination(text: string): string {
  const reference = parseImageReference(text, "/");
  if (reference.kind === "registry") return reference.text;
  const isArchive = /^(?:docker|oci)-archive:/.test(text);
  throw new OrlopError(
    "unsupported",
    `Cannot push to "${text}": it is in no registry\n` +
      (isArchive
        ? "Try orlop save -o FILE, with --format oci-archive for that form."
        : "Try orlop push IMAGE DESTINATION."),
  );
}
