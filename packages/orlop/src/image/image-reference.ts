import { resolve } from "node:path";
import { OrlopError } from "@orlop/core";

/** Where a root file system comes from, as the command line names it. */
export type ImageReference =
  /** This machine's own root file system. */
  | { readonly kind: "host" }
  | { readonly kind: "directory"; readonly path: string; readonly writable: boolean }
  | {
      readonly kind: "oci-layout" | "oci-archive" | "docker-archive";
      readonly path: string;
      /** Of an archive of docker: a name, with its tag. */
      readonly tag: string | undefined;
    };

const STORED = { oci: "oci-layout", "oci-archive": "oci-archive", "docker-archive": "docker-archive" } as const;

/**
 * `host`, `dir:PATH`, `dir:PATH:rw`, `oci:PATH[:TAG]`, `oci-archive:PATH[:TAG]` or `docker-archive:PATH[:NAME]`; relative
 * paths start from `cwd`.
 *
 * @throws OrlopError `invalid`, `unsupported` for what looks like an image of a registry
 */
export function parseImageReference(text: string, cwd: string): ImageReference {
  if (text === "host") return { kind: "host" };
  const end = text.indexOf(":");
  const scheme = end < 0 ? "" : text.slice(0, end);
  const rest = text.slice(end + 1);
  switch (scheme) {
    case "dir": {
      const writable = rest.endsWith(":rw");
      const path = writable ? rest.slice(0, -":rw".length) : rest;
      if (path === "") throw invalid(text, "it names no directory");
      return { kind: "directory", path: resolve(cwd, path), writable };
    }
    case "oci":
    case "oci-archive":
    case "docker-archive": {
      const colon = rest.indexOf(":");
      const path = colon < 0 ? rest : rest.slice(0, colon);
      const tag = colon < 0 ? undefined : rest.slice(colon + 1);
      if (path === "") throw invalid(text, scheme === "oci" ? "it names no directory" : "it names no file");
      if (tag === "") throw invalid(text, "its tag is empty");
      return { kind: STORED[scheme], path: resolve(cwd, path), tag };
    }
    default:
      throw new OrlopError(
        "unsupported",
        `Cannot use image "${text}": images come from this machine for now, not from a registry\n` +
          "Try host (this machine's own files), dir:PATH (a root file system), oci:PATH[:TAG] (an OCI image layout),\n" +
          "oci-archive:PATH[:TAG] (one in a tar archive) or docker-archive:PATH[:NAME] (what docker save writes).",
      );
  }
}

function invalid(text: string, what: string): OrlopError {
  return new OrlopError("invalid", `Cannot use image "${text}": ${what}`);
}
