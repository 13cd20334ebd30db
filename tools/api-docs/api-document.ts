import { join } from "node:path";
import type { Declaration, Member } from "./declaration.ts";
import { findExports } from "./find-exports.ts";

/** Entry points of the command, which are for nobody else. */
const OMITTED: ReadonlySet<string> = new Set(["commandLine"]);

const HEAD = `# The library

\`import { Sandbox } from "orlop"\`: what it exports, made from its docstrings (\`ORLOP_GOLDEN=write npm test -- api-document\`). How
it is used, [the examples](../examples/README.md) show. Whatever fails throws or rejects with [OrlopError](#orloperror), whose
\`code\` is one of [these](#errorcode).
`;

/** The text of docs/api.md. */
export function apiDocument(root: string): string {
  const all = findExports(root, join(root, "packages/orlop/src/index.ts")).filter(({ name }) => !OMITTED.has(name));
  const names = new Set(all.map(({ name }) => name));
  const isObject = ({ kind }: Declaration): boolean => kind === "class" || kind === "function";
  const groups = { "Classes and functions": all.filter(isObject), Types: all.filter((each) => !isObject(each)) };
  const parts = Object.entries(groups).flatMap(([title, declarations]) => [
    `## ${title}\n`,
    ...[...declarations].sort((a, b) => (a.name < b.name ? -1 : 1)).map((each) => declarationText(each, names)),
  ]);
  return [HEAD, ...parts].join("\n");
}

function declarationText(declaration: Declaration, names: ReadonlySet<string>): string {
  const { name, docs, kind, members } = declaration;
  const linked = (text: string): string => docsText(text, names);
  const blocks = [`### ${name}`, linked(docs)];
  if (kind === "class") {
    blocks.push(...members.map((member) => methodText(member, linked)));
  } else if (kind === "interface") blocks.push(code([`${declaration.signature} {`, ...memberLines(members), "}"]));
  else blocks.push(code([declaration.signature]));
  return `${blocks.filter((block) => block !== "").join("\n\n")}\n`;
}

function methodText({ signature, docs }: Member, linked: (text: string) => string): string {
  return [code([signature]), linked(docs)].filter((text) => text !== "").join("\n\n");
}

/** With their docstrings, as in the source. */
function memberLines(members: readonly Member[]): readonly string[] {
  return members.flatMap(({ signature, docs }) => {
    const plain = docs.replace(LINK, "$1");
    const lines = plain.split("\n");
    const comment =
      plain === ""
        ? []
        : lines.length === 1
          ? [`  /** ${plain} */`]
          : ["  /**", ...lines.map((line) => `   * ${line}`.trimEnd()), "   */"];
    return [
      ...comment,
      ...signature.split("\n").map((line, index, { length }) => `  ${line}${index === length - 1 ? ";" : ""}`),
    ];
  });
}

/** The whole, and the name before a member's. */
const LINK = /\{@link ((\w+)(?:\.\w+)?)\}/g;

function code(lines: readonly string[]): string {
  return ["```ts", ...lines, "```"].join("\n");
}

function docsText(docs: string, names: ReadonlySet<string>): string {
  const linked = docs.replace(LINK, (_, text: string, name: string) =>
    names.has(name) ? `[${text}](#${name.toLowerCase()})` : `\`${text}\``,
  );
  return linked
    .replace(/^@throws /gm, "**Throws** ")
    .replace(/^@returns /gm, "**Returns** ")
    .replace(/^@param (\w+) /gm, "**`$1`**: ")
    .replace(/ @throws /g, "\n\n**Throws** ")
    .replace(/\n+(?=\*\*)/g, "\n\n");
}
