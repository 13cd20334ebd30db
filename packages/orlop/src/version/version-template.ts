import { Template } from "../format/template/template.ts";
import { Struct } from "../format/template/value.ts";
import type { Versions } from "./version-command.ts";

/** Docker's names of architectures. */
const ARCHITECTURES: Readonly<Record<string, string>> = { "x86-64": "amd64" };

/**
 * Versions by a template, with docker's names for what both have: client and server are the same program, whether or not a
 * daemon is there.
 *
 * @throws OrlopError `invalid`
 */
export function versionTemplate(format: string, versions: Versions): string {
  const { orlop, kernel, architecture } = versions;
  const half = [
    { name: "Version", value: orlop },
    { name: "Os", value: "linux" },
    { name: "Arch", value: ARCHITECTURES[architecture] ?? architecture },
  ];
  const own = Object.entries(versions).map(([name, value]: [string, string]) => ({ name, value }));
  const server = new Struct([...half, { name: "KernelVersion", value: kernel }]);
  const document = new Struct([{ name: "Client", value: new Struct(half) }, { name: "Server", value: server }, ...own]);
  return new Template(format).execute(document);
}
