import { OrlopError } from "@orlop/core";

/** What a line of a `schemata` file says, by the domain: `L3:0=7f0;1=1f`. Bandwidth is decimal, portions are bit masks. */
function parseLine(line: string): { readonly resource: string; readonly values: ReadonlyMap<number, number> } {
  const [resource = "", domains = ""] = line.trim().split(":");
  const values = domains.split(";").map((domain): [number, number] => {
    const [id, value = ""] = domain.split("=");
    return [Number(id), Number.parseInt(value, resource === "MB" ? 10 : 16)];
  });
  return { resource, values: new Map(values) };
}

/** Throws `conflict` unless a class is what these lines say; it may say more. */
export function expectSchemata(path: string, schemata: string, expected: readonly string[]): void {
  const present = schemata.split("\n").map(parseLine);
  for (const line of expected) {
    const { resource, values } = parseLine(line);
    const found = present.find((each) => each.resource === resource)?.values;
    const isEqual = [...values].every(([domain, value]) => found?.get(domain) === value);
    if (isEqual) continue;
    throw new OrlopError("conflict", `Cannot use class "${path}": its schemata are not "${line}"`, {
      field: "linux.intelRdt",
    });
  }
}
