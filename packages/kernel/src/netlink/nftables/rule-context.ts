import type { Expression } from "./expression.ts";
import type { TableFamily } from "./table.ts";

/** What is known while the statements of one rule are turned into expressions. */
export interface RuleContext {
  readonly family: TableFamily;
  /** Conditions that the rule has checked already, such as `l4proto=tcp`: they need not be checked again. */
  readonly checked: Set<string>;
}

/**
 * One readable step of a rule, such as `tcp.dport.is(80)`: it gives the expressions that the kernel runs. Throws
 * OrlopError("invalid") on values that are not of the field's type and on what the table's family does not have.
 */
export type Statement = (context: RuleContext) => readonly Expression[];

/** The expressions of a rule in a table of this family. */
export function compileStatements(family: TableFamily, statements: readonly Statement[]): Expression[] {
  const context: RuleContext = { family, checked: new Set() };
  return statements.flatMap((statement) => statement(context));
}

/** A statement that is one expression as it stands: for what the readable builders do not have. */
export function rawExpression(expression: Expression): Statement {
  return () => [expression];
}
