import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** Where the package is: the nearest manifest above this file, which is in src of a checkout or in dist of an installation. */
export function packageDirectory(): string {
  let directory = import.meta.dirname;
  while (!existsSync(join(directory, "package.json"))) directory = dirname(directory);
  return directory;
}

export function ownVersion(): string {
  const text = readFileSync(join(packageDirectory(), "package.json"), "utf8");
  return (JSON.parse(text) as { readonly version: string }).version;
}
