import { OrlopError } from "./errors.ts";

/** What was asked for; undefined for what is not there. @throws whatever it fails with but `not-found` */
export async function unlessMissing<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof OrlopError && error.code === "not-found") return undefined;
    throw error;
  }
}
