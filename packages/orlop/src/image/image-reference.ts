import { resolve } from "node:path";
import { formatReference, OrlopError, parseReference } from "@orlop/core";

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
    }
  /** A root file system in a tar archive. */
  | { readonly kind: "tar"; readonly path: string }
  /** In a registry, or pulled from one: the name in full. What was typed may be the beginning of an id instead. */
  | { readonly kind: "registry"; readonly name: string; readonly text: string }
  /** Put together from the packages of a distribution. */
  | { readonly kind: "packages"; readonly name: string };

const STORED = { oci: "oci-layout", "oci-archive": "oci-archive", "docker-archive": "docker-archive" } as const;

/**
 * `host`, `dir:PATH`, `dir:PATH:rw`, `tar:PATH`, `oci:PATH[:TAG]`, `oci-archive:PATH[:TAG]` or
 * `docker-archive:PATH[:NAME]`, where relative paths start from `cwd`; `debian:SUITE?[OPTION=VALUE&...]` or
 * `ubuntu:SUITE?...`, which the question mark tells from an image of that name; or the name of an image of a registry,
 * with `docker://` before it or without.
 *
 * @throws OrlopError `invalid`
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
    case "tar":
      if (rest === "") throw invalid(text, "it names no file");
      return { kind: "tar", path: resolve(cwd, rest) };
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
    case "debian":
    case "ubuntu":
      if (rest.includes("?")) return { kind: "packages", name: text };
  }
  const name = text.replace(/^docker:\/\//, "");
  return { kind: "registry", name: formatReference(parseReference(name)), text: name };
}

function invalid(text: string, what: string): OrlopError {
  return new OrlopError("invalid", `Cannot use image "${text}": ${what}`);
}
