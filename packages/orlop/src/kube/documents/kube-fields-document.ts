import { KUBE_TYPES, type KubeField } from "./kube-fields.ts";

/** The tables of fields, as the documentation has them. */
export function kubeFieldsDocument(): string {
  return KUBE_TYPES.map(([title, fields]) => {
    const rows = Object.entries(fields).map(([name, field]) => `| \`${name}\` | ${cellsOf(field)} |`);
    return `### ${title}\n\n| field | | |\n| --- | --- | --- |\n${rows.join("\n")}\n`;
  }).join("\n");
}

function cellsOf({ done, refused }: KubeField): string {
  return done === undefined ? `refused | ${refused}` : `done | ${done}`;
}
