import { OrlopError } from "@orlop/core";

/** What reading an option throws, told of the option. */
export function inField<T>(field: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof OrlopError)) throw error;
    throw new OrlopError(error.code, `Cannot create sandbox: option "${field}": ${error.message}`, {
      field,
      cause: error,
    });
  }
}

/** An option that means nothing. */
export function invalid(field: string, what: string): OrlopError {
  return new OrlopError("invalid", `Cannot create sandbox: option "${field}": ${what}`, { field });
}
