import { resolve } from "node:path";
import { OrlopError } from "@orlop/core";

/** Where a root file system comes from, as the command line names it. */
export type ImageReference =
  /** This machine's own root file system. */
  | { readonly kind: "host" }
  | { readonly kind: "directory"; readonly path: string; readonly writable: boolean }
  | { readonly kind: "oci-layout"; readonly path: string; readonly tag: string | undefined };

/**
 * `host`, `dir:PATH`, `dir:PATH:rw`, `oci:PATH` or `oci:PATH:TAG`; relative paths start from `cwd`.
 *
 * @throws OrlopError `invalid`, `unsupported` for what looks like an image of a registry
 */
export function parseImageReference(text: string, cwd: string): ImageReference {
  if (text === "host") return { kind: "host" };
  const [scheme] = text.split(":", 1);
  const rest = text.slice((scheme?.length ?? 0) + 1);
  switch (text === scheme ? undefined : scheme) {
    case "dir": {
      const writable = rest.endsWith(":rw");
      const path = writable ? rest.slice(0, -":rw".length) : rest;
      if (path === "") throw invalid(text, "it names no directory");
      return { kind: "directory", path: resolve(cwd, path), writable };
    }
    case "oci": {
      const colon = rest.indexOf(":");
      const path = colon < 0 ? rest : rest.slice(0, colon);
      const tag = colon < 0 ? undefined : rest.slice(colon + 1);
      if (path === "") throw invalid(text, "it names no directory");
      if (tag === "") throw invalid(text, "its tag is empty");
      return { kind: "oci-layout", path: resolve(cwd, path), tag };
    }
    default:
      throw new OrlopError(
        "unsupported",
        `Cannot use image "${text}": images come from this machine for now, not from a registry\n` +
          "Try host (this machine's own files), dir:PATH (a root file system) or oci:PATH[:TAG] (an OCI image layout).",
      );
  }
}

function invalid(text: string, what: string): OrlopError {
  return new OrlopError("invalid", `Cannot use image "${text}": ${what}`);
}
