import { parseSync } from "rolldown/utils";

/** A node of the ESTree (with TypeScript's additions) that the bundler's own parser returns. */
export interface SyntaxNode {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [field: string]: unknown;
}

interface SourceComment {
  /** Text without the comment marks. */
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

export interface Syntax {
  readonly program: SyntaxNode;
  readonly comments: readonly SourceComment[];
  /** Messages of the parser; the tree is not to be trusted when there is one. */
  readonly errors: readonly string[];
}

/**
 * Parses one TypeScript module.
 *
 * Uses the parser inside rolldown, which is a development dependency anyway: in process and well below a
 * millisecond a file, where TypeScript 7 offers only a server process behind an unstable interface.
 */
export function parseSyntax(path: string, text: string): Syntax {
  const result = parseSync(path, text, { lang: "ts", astType: "ts", sourceType: "module" });
  return {
    program: result.program as unknown as SyntaxNode,
    comments: result.comments.map((comment) => ({ text: comment.value, start: comment.start, end: comment.end })),
    errors: result.errors.map((error) => error.message),
  };
}

function isSyntaxNode(value: unknown): value is SyntaxNode {
  return typeof value === "object" && value !== null && typeof (value as { type?: unknown }).type === "string";
}

/** The node in a field, or undefined where the field holds none. */
export function childNode(node: SyntaxNode, field: string): SyntaxNode | undefined {
  const value = node[field];
  return isSyntaxNode(value) ? value : undefined;
}

/** The nodes in a field that holds a list. Holes (as in `[, a]`) are left out. */
export function childNodes(node: SyntaxNode, field: string): readonly SyntaxNode[] {
  const value = node[field];
  return Array.isArray(value) ? value.filter(isSyntaxNode) : [];
}

/** Calls `visit` for the node and everything below it, parents first, with the parent of each. */
export function walkSyntax(
  node: SyntaxNode,
  visit: (node: SyntaxNode, parent: SyntaxNode | undefined) => void,
  parent?: SyntaxNode,
): void {
  visit(node, parent);
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (isSyntaxNode(child)) walkSyntax(child, visit, node);
    }
  }
}
