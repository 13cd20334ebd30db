/** A member of a class or an interface. */
export interface Member {
  readonly name: string;
  /** As it is written, without its body. */
  readonly signature: string;
  readonly docs: string;
}

/** What a module exports under a name, with its docstring. */
export interface Declaration {
  readonly kind: "class" | "interface" | "type" | "function" | "const";
  readonly name: string;
  /** Without members and bodies. */
  readonly signature: string;
  readonly docs: string;
  readonly members: readonly Member[];
}
