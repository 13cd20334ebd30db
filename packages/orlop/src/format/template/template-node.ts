/** The parts of a template, as they are read. */
export type TemplateNode =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "action"; readonly pipe: Pipe }
  | BranchNode
  | RangeNode
  | { readonly kind: "break" | "continue" };

interface Branches {
  readonly pipe: Pipe;
  readonly body: Nodes;
  readonly otherwise: Nodes;
}

interface BranchNode extends Branches {
  /** `with` makes the value the dot of its body. */
  readonly kind: "if" | "with";
}

export interface RangeNode extends Branches {
  readonly kind: "range";
}

export type Nodes = readonly TemplateNode[];

/** Commands of which each gets the value of the one before as its last argument. */
export interface Pipe {
  /** Variables that it sets: at most one, for `range` two. */
  readonly variables: readonly string[];
  /** They are new ones (`:=`). */
  readonly declares: boolean;
  readonly commands: readonly Command[];
}

/** A function or a value, and arguments. */
export type Command = readonly [Operand, ...Operand[]];

export type Operand = {
  /** In the text of the template. */
  readonly start: number;
  /** As it stands there. */
  readonly source: string;
} & (
  | { readonly kind: "dot" | "nil" }
  | { readonly kind: "literal"; readonly value: boolean | number | bigint | string }
  | { readonly kind: "variable" | "function"; readonly name: string }
  | { readonly kind: "pipe"; readonly pipe: Pipe }
  /** `.A.B`, `$x.A`, `(...).A` */
  | { readonly kind: "chain"; readonly base: Operand; readonly names: readonly string[] }
);
