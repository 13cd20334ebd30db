/** What is wrong with a template, or goes wrong in it; `Template` tells where, and whose template it is. */
export class TemplateFault extends Error {
  /** Of the place, in the template's text; absent: whoever knows the place adds it. */
  readonly start: number | undefined;
  /** The part of the template that was being worked on; absent while it is still being read. */
  readonly node: string | undefined;

  constructor(message: string, start?: number, node?: string) {
    super(message);
    this.start = start;
    this.node = node;
  }
}
