import { findProgram } from "@orlop/kernel";

/**
 * The network of an ordinary user's, which goes by the name of the program that makes it: pasta, and slirp4netns on a machine
 * that has no pasta.
 */
export function rootlessNetwork(): "pasta" | "slirp4netns" {
  return findProgram("pasta") === undefined && findProgram("slirp4netns") !== undefined ? "slirp4netns" : "pasta";
}
