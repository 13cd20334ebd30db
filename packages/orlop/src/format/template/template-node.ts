/** The parts of a template, as they are read. */
export type TemplateNode =
  | { readonly kind: "text"; readonly text: string }
  | ActionNode
  | BranchNode
  | RangeNode
  | { readonly kind: "break" | "continue" };

interface ActionNode {
  readonly kind: "action";
  readonly pipe: Pipe;
  /** All that the pipe is, where it is `.A` or `.A.B`: most of what thousands of rows are printed with. */
  readonly field: Chain | undefined;
}

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

interface Placed {
  /** In the text of the template. */
  readonly start: number;
  /** As it stands there. */
  readonly source: string;
}

/** `.A.B`, `$x.A`, `(...).A` */
export interface Chain extends Placed {
  readonly kind: "chain";
  readonly base: Operand;
  readonly names: readonly string[];
}

export type Operand =
  | Chain
  | (Placed &
      (
        | { readonly kind: "dot" | "nil" }
        | { readonly kind: "literal"; readonly value: boolean | number | bigint | string }
        | { readonly kind: "variable" | "function"; readonly name: string }
        | { readonly kind: "pipe"; readonly pipe: Pipe }
      ));
