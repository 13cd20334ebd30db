import { childNode, childNodes, type SyntaxNode } from "./syntax.ts";

export interface ModuleExport {
  /** The name others import; `default` for a default export, `*` for a bare `export *`. */
  readonly name: string;
  readonly start: number;
}

function nameOf(node: SyntaxNode | undefined): string {
  return String(node?.name ?? node?.value ?? "");
}

/** The names that a binding declares: `a`, `{ a, b: [c] }`, `...rest`. */
function boundNames(pattern: SyntaxNode | undefined): readonly string[] {
  switch (pattern?.type) {
    case "Identifier":
      return [nameOf(pattern)];
    case "ObjectPattern":
      return childNodes(pattern, "properties").flatMap((property) =>
        boundNames(property.type === "RestElement" ? property : childNode(property, "value")),
      );
    case "ArrayPattern":
      return childNodes(pattern, "elements").flatMap(boundNames);
    case "RestElement":
      return boundNames(childNode(pattern, "argument"));
    case "AssignmentPattern":
      return boundNames(childNode(pattern, "left"));
    default:
      return [];
  }
}

function declaredNames(declaration: SyntaxNode): readonly string[] {
  if (declaration.type !== "VariableDeclaration") return [nameOf(childNode(declaration, "id"))];
  return childNodes(declaration, "declarations").flatMap((each) => boundNames(childNode(each, "id")));
}

function exportsOfStatement(statement: SyntaxNode): readonly ModuleExport[] {
  const { start } = statement;
  switch (statement.type) {
    case "ExportDefaultDeclaration":
    case "TSExportAssignment":
      return [{ name: "default", start }];
    case "ExportAllDeclaration": {
      const exported = childNode(statement, "exported");
      return [{ name: exported === undefined ? "*" : nameOf(exported), start }];
    }
    case "ExportNamedDeclaration": {
      const declaration = childNode(statement, "declaration");
      if (declaration !== undefined) return declaredNames(declaration).map((name) => ({ name, start }));
      return childNodes(statement, "specifiers").map((specifier) => ({
        name: nameOf(childNode(specifier, "exported")),
        start: specifier.start,
      }));
    }
    default:
      return [];
  }
}

/** What a module exports, in source order. */
export function moduleExports(program: SyntaxNode): readonly ModuleExport[] {
  return childNodes(program, "body").flatMap(exportsOfStatement);
}
