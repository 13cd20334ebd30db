/** How much a lack matters. */
export type Severity =
  /** All is well. */
  | "ok"
  /** Something is not available, and containers run. */
  | "warning"
  /** No container can run. */
  | "failure";

/** What one check has found. */
export interface Finding {
  /** Short name: `user namespaces`. */
  readonly check: string;
  readonly severity: Severity;
  /** What is the case here. */
  readonly found: string;
  /** What does not work because of it. */
  readonly why?: string;
  /** The command that changes it, or what else to do. */
  readonly fix?: string;
}

export function ok(check: string, found: string): Finding {
  return { check, severity: "ok", found };
}

export function warning(check: string, found: string, why: string, fix?: string): Finding {
  return { check, severity: "warning", found, why, ...(fix === undefined ? {} : { fix }) };
}

export function failure(check: string, found: string, why: string, fix?: string): Finding {
  return { check, severity: "failure", found, why, ...(fix === undefined ? {} : { fix }) };
}
