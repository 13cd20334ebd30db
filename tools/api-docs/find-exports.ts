import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Declaration } from "./declaration.ts";
import { readDeclaration } from "./read-declaration.ts";

/** What an index exports by name, in its order, each with its declaration, wherever that is. */
export function findExports(root: string, index: string): readonly Declaration[] {
  return exportsOf(readFileSync(index, "utf8")).map(({ name, from }) => {
    const declaration = find(root, resolve(root, index, from), name);
    if (declaration === undefined) throw new Error(`${from} has no declaration of ${name}`);
    return declaration;
  });
}

interface Export {
  readonly name: string;
  readonly from: string;
}

function exportsOf(source: string): readonly Export[] {
  const found = source.matchAll(/^export (?:type )?\{([^}]*)\} from "([^"]+)";/gm);
  return [...found].flatMap(([, names = "", from = ""]) =>
    names
      .split(",")
      .map((name) => name.trim().replace(/^type /, ""))
      .filter((name) => name !== "")
      .map((name) => ({ name, from })),
  );
}

/** Where it is declared: there, or where that has it from. */
function find(root: string, path: string, name: string): Declaration | undefined {
  const source = readFileSync(path, "utf8");
  const declared = readDeclaration(source, name);
  if (declared !== undefined) return declared;
  const further = exportsOf(source).find((each) => each.name === name);
  return further && find(root, resolve(root, path, further.from), name);
}

function resolve(root: string, from: string, specifier: string): string {
  if (specifier.startsWith(".")) return join(dirname(from), specifier);
  return join(root, "packages", specifier.replace("@orlop/", ""), "src/index.ts");
}
