/**
 * `$(NAME)` replaced by the value of that variable, as Kubernetes has it: what is not known stays as it stands, and `$$(NAME)` is
 * `$(NAME)`.
 */
export function expandVariables(text: string, known: ReadonlyMap<string, string>): string {
  return text.replaceAll(/\$\$|\$\(([^()]*)\)/g, (whole, name: string | undefined) => {
    if (whole === "$$") return "$";
    return (name === undefined ? undefined : known.get(name)) ?? whole;
  });
}
