/**
 * Finds the texts in others and puts something in their places. Where two of them could begin, or one begins in another, it
 * is the first one's place.
 */
export class TextReplacer {
  readonly #texts: readonly string[];
  readonly #pattern: RegExp;

  /** @param texts none of them empty */
  constructor(texts: readonly string[]) {
    this.#texts = texts;
    this.#pattern = new RegExp(texts.map((text) => text.replaceAll(/\W/g, "\\$&")).join("|") || "$.", "g");
  }

  isIn(said: string): boolean {
    return said.search(this.#pattern) >= 0;
  }

  /** @param replacements one for each text */
  replace(said: string, replacements: readonly string[]): string {
    return said.replace(this.#pattern, (found) => replacements[this.#texts.indexOf(found)] ?? found);
  }
}
