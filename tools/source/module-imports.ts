import { childNode, childNodes, type SyntaxNode, walkSyntax } from "./syntax.ts";

/** One place where a module names another. */
export interface ModuleImport {
  /** As written; undefined when it is computed and cannot be known without running the code. */
  readonly specifier: string | undefined;
  /** Exported names that are used; `"all"` for `import * as`, `import()` and `typeof import()` without a name. */
  readonly names: readonly string[] | "all";
  readonly start: number;
}

/** `name`, `"name"`: an identifier or the string that stands for one in an export list. */
function specifierName(node: SyntaxNode | undefined): string {
  return String(node?.name ?? node?.value ?? "");
}

/** The text of a string literal or of a template without holes. */
function literalText(node: SyntaxNode | undefined): string | undefined {
  if (node?.type === "Literal" && typeof node.value === "string") return node.value;
  const quasis = node === undefined ? [] : childNodes(node, "quasis");
  if (node?.type === "TemplateLiteral" && quasis.length === 1) {
    const value = quasis[0]?.value as { cooked?: unknown } | undefined;
    return typeof value?.cooked === "string" ? value.cooked : undefined;
  }
  return undefined;
}

function importedNames(declaration: SyntaxNode): readonly string[] | "all" {
  const names: string[] = [];
  for (const specifier of childNodes(declaration, "specifiers")) {
    if (specifier.type === "ImportNamespaceSpecifier") return "all";
    if (specifier.type === "ImportDefaultSpecifier") names.push("default");
    else names.push(specifierName(childNode(specifier, "imported") ?? childNode(specifier, "local")));
  }
  return names;
}

/** The first name of `import("./a.ts").B.C`. */
function qualifierNames(node: SyntaxNode): readonly string[] | "all" {
  let qualifier = childNode(node, "qualifier");
  while (qualifier?.type === "TSQualifiedName") qualifier = childNode(qualifier, "left");
  return qualifier === undefined ? "all" : [specifierName(qualifier)];
}

function isRequire(call: SyntaxNode): boolean {
  const callee = childNode(call, "callee");
  return callee?.type === "Identifier" && callee.name === "require";
}

/** `require("x")`, `require.resolve("x")` and `import.meta.resolve("x")`. */
function isResolvingCall(node: SyntaxNode): boolean {
  if (isRequire(node)) return true;
  const callee = childNode(node, "callee");
  if (callee?.type !== "MemberExpression") return false;
  const object = childNode(callee, "object");
  const property = childNode(callee, "property")?.name;
  return property === "resolve" && (object?.name === "require" || object?.type === "MetaProperty");
}

function importOfNode(node: SyntaxNode): ModuleImport | undefined {
  const { start } = node;
  const source = literalText(childNode(node, "source"));
  switch (node.type) {
    case "ImportDeclaration":
      return { specifier: source, names: importedNames(node), start };
    case "ExportNamedDeclaration": {
      if (childNode(node, "source") === undefined) return undefined;
      const names = childNodes(node, "specifiers").map((specifier) => specifierName(childNode(specifier, "local")));
      return { specifier: source, names, start };
    }
    case "ExportAllDeclaration":
    case "ImportExpression":
      return { specifier: source, names: "all", start };
    case "TSImportType":
      return { specifier: source, names: qualifierNames(node), start };
    case "TSExternalModuleReference":
      return { specifier: literalText(childNode(node, "expression")), names: "all", start };
    case "CallExpression": {
      const specifier = literalText(childNodes(node, "arguments")[0]);
      // In a module `require` is a name like any other; only with a text does it look like an import.
      if (!isResolvingCall(node) || (specifier === undefined && isRequire(node))) return undefined;
      return { specifier, names: "all", start };
    }
    default:
      return undefined;
  }
}

/** Every import of a module in source order: static, `import type`, re-export, dynamic, in a type, `require`. */
export function moduleImports(program: SyntaxNode): readonly ModuleImport[] {
  const imports: ModuleImport[] = [];
  walkSyntax(program, (node) => {
    const found = importOfNode(node);
    if (found !== undefined) imports.push(found);
  });
  return imports;
}
