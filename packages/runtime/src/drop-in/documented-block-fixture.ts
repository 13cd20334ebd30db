import { readFileSync } from "node:fs";
import { join } from "node:path";
import { OrlopError } from "@orlop/core";
import { orlopOciCommand } from "./command-fixture.ts";

/** Where the document has the command. */
const DOCUMENTED_PATH = "/usr/local/bin/orlop-oci";

/** A block of docs/drop-in.md: the first one in that language below the heading, with this checkout's command in it. */
export function documentedBlock(heading: string, language: string): string {
  const path = join(import.meta.dirname, "../../../../docs/drop-in.md");
  const section = readFileSync(path, "utf8")
    .split(/^## /m)
    .find((text) => text.startsWith(`${heading}\n`));
  const block = section?.split(`\n\`\`\`${language}\n`)[1]?.split("\n```")[0];
  if (block === undefined) {
    throw new OrlopError("internal", `Cannot find block "${language}" below "${heading}" of docs/drop-in.md`);
  }
  return `${block.replaceAll(DOCUMENTED_PATH, orlopOciCommand())}\n`;
}
