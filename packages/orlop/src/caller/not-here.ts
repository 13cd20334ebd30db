import { caller } from "./caller.ts";

/** The process that carries out a call cannot do what is asked; the caller's own can, and will do all of it from the start. */
export class NotHere extends Error {}

/** Leaves a call to the process that was called, where that is another one. @throws NotHere */
export function leaveToCalled(reason: string): void {
  if (caller().daemon !== undefined) throw new NotHere(reason);
}
