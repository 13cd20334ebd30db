import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { documentedBlock } from "./documented-block-fixture.ts";

/** What podman is tried with here: without the journal. */
export const PODMAN: readonly string[] = ["podman", "--events-backend=file"];

/** What podman needs to be here. */
export const PODMAN_PROGRAMS: Readonly<Record<string, string>> = {
  podman: "podman",
  conmon: "conmon",
  "/etc/containers/policy.json": "golang-github-containers-common",
  "/usr/libexec/podman/catatonit": "catatonit",
};

/** Writes a containers.conf as the document has it, and returns its path. No limit may be raised here. */
export function writePodmanConfiguration(directory: string): string {
  const path = join(directory, "containers.conf");
  writeFileSync(path, `${documentedBlock("podman", "toml")}\n[containers]\ndefault_ulimits = []\n`);
  return path;
}
