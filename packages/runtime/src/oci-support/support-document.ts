import { RESOURCE_CONVERSIONS } from "@orlop/kernel";
import { OCI_SUPPORT, type SupportRow } from "./oci-support.ts";

const INTRODUCTION = `# What becomes of each field of config.json

The OCI runtime-spec 1.3 on Linux, field by field, as \`@orlop/runtime\` carries it out. Written by
\`packages/runtime/src/oci-support/oci-support.test.ts\` from the table beside it; edit that one.

A row speaks for every field below it that has none of its own. What is refused is refused before anything is made, by
the field's name, with the code \`unsupported\`; fields that the spec does not know are kept and have no effect, as it
wants. \`packages/runtime/src/differential/differences.json\` lists every difference from runc 1.1 and crun 1.8 that the
differential tests see, each with its reason.
`;

const RESOURCES = `## How resources are written to cgroups

The spec's values are those of cgroup v1; the conversions to version 2 are runc's.
`;

/** The text of docs/oci-support.md. */
export function supportDocument(): string {
  const sections = Object.entries(OCI_SUPPORT).map(([title, rows]) => {
    const table = markdownTable(["field", "", "note"], rows.map(cellsOf));
    return `## ${title.startsWith("The ") ? title : `\`${title}\``}\n\n${table}`;
  });
  return [INTRODUCTION, ...sections, `${RESOURCES}\n${conversions()}`].join("\n");
}

function cellsOf({ field, support, note = "" }: SupportRow): readonly string[] {
  return [`\`${field}\``, support, note];
}

function conversions(): string {
  const rows = Object.entries(RESOURCE_CONVERSIONS).map(([field, { v1, v2 }]) => [
    `\`${field}\``,
    ...[v1, v2].map((form) =>
      "refused" in form ? "-" : `${form.files.map((file) => `\`${file}\``).join(", ")}: ${form.value}`,
    ),
  ]);
  return markdownTable(["field", "version 1", "version 2"], rows);
}

function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |\n`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("");
}
