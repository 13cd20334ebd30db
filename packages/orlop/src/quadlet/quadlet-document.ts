import { type KeyRule, KINDS } from "./key-rules.ts";

/** The tables of keys, as the documentation has them. */
export function quadletDocument(): string {
  return Object.entries(KINDS)
    .map(([kind, { section, keys }]) => {
      const rows = Object.entries(keys).map(([key, rule]) => `| \`${key}\` | ${cellsOf(rule)} |`);
      return `### [${section}] of \`.${kind}\`\n\n| key | | |\n| --- | --- | --- |\n${rows.join("\n")}\n`;
    })
    .join("\n");
}

function cellsOf({ flag, form, prefix = "", isPath, word, done, refused }: KeyRule): string {
  if (refused !== undefined) return `refused | ${refused}`;
  if (flag === undefined) return `done | ${done}`;
  const values = { each: ", as often as it stands there", words: ", each word", last: "", switch: "" }[form ?? "last"];
  const other = word === undefined ? "" : `, or \`${word}\``;
  const path = isPath === true ? `; a relative path starts from the directory of the unit file${other}` : "";
  return `done | \`--${flag}${prefix === "" ? "" : ` ${prefix}...`}\`${values}${path} |`.slice(0, -2);
}
