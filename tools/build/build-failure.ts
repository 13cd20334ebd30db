/** A part of the build that did not work; the message holds the output of the program that said so. */
export class BuildFailure extends Error {
  override readonly name = "BuildFailure";
}
