import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { apiDocument } from "./api-document.ts";
import { findExports } from "./find-exports.ts";
import { readDeclaration } from "./read-declaration.ts";

const ROOT = join(import.meta.dirname, "../..");
const DOCUMENT = join(ROOT, "docs/api.md");

const SOURCE = `
/** One line. */
export interface Box {
  /** Of it. @internal */
  readonly hidden: string;
  readonly size?: number;
  /**
   * More than
   * one line.
   */
  open(
    path: string,
    other: string,
  ): Promise<void>;
}

export class Chest implements Box {
  readonly #secret = 1;
  /** A value. */
  readonly host: string = "a";

  private constructor() {}

  /** At once. */
  static async make(options: { readonly a?: string } = {}): Promise<Chest> {
    return new Chest();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#secret) {
      return;
    }
  }
}

export type Choice =
  /** The first. */
  | "a"
  | { readonly b: string };
`;

describe("the document of the library", () => {
  test("has declarations with their members, as far as they are for others", () => {
    assert.deepEqual(readDeclaration(SOURCE, "Box"), {
      kind: "interface",
      name: "Box",
      signature: "export interface Box",
      docs: "One line.",
      members: [
        { name: "size", signature: "readonly size?: number", docs: "" },
        { name: "open", signature: "open(path: string, other: string): Promise<void>", docs: "More than\none line." },
      ],
    });
    assert.deepEqual(
      readDeclaration(SOURCE, "Chest")?.members.map(({ signature, docs }) => [signature, docs]),
      [
        ["readonly host: string", "A value."],
        ["static make(options: { readonly a?: string } = {}): Promise<Chest>", "At once."],
        ["[Symbol.asyncDispose](): Promise<void>", ""],
      ],
    );
    const type = 'type Choice =\n  /** The first. */\n  | "a"\n  | { readonly b: string }';
    assert.equal(readDeclaration(SOURCE, "Choice")?.signature, type);
    assert.equal(readDeclaration(SOURCE, "Box2"), undefined);
  });

  test("tells of everything that is exported what it is", () => {
    const all = findExports(ROOT, join(ROOT, "packages/orlop/src/index.ts"));
    const silent = all.filter(({ docs, kind }) => docs === "" && kind === "class").map(({ name }) => name);
    assert.deepEqual(silent, []);
  });

  test("is docs/api.md", () => {
    if (process.env.ORLOP_GOLDEN === "write") writeFileSync(DOCUMENT, apiDocument(ROOT));
    const text = readFileSync(DOCUMENT, "utf8");
    assert.equal(text, apiDocument(ROOT), "docs/api.md differs: set ORLOP_GOLDEN=write to renew it");
  });
});
