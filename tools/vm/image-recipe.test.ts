import assert from "node:assert/strict";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { imageName, imageRecipe } from "./image-recipe.ts";

const recipe = imageRecipe(process.cwd());

test("the machine has the packages that continuous integration installs", () => {
  assert.ok(recipe.packages.includes("strace"));
  assert.ok(recipe.packages.every((name) => /^[a-z0-9.+-]+$/.test(name)));
});

test("an image's name changes with its packages and its files, and not with the place of the checkout", () => {
  const directory = mkdtempSync(join(tmpdir(), "orlop-recipe-"));
  try {
    cpSync(recipe.tree, directory, { recursive: true });
    assert.equal(imageName({ ...recipe, tree: directory }), imageName(recipe));
    assert.notEqual(imageName({ ...recipe, packages: ["hello"] }), imageName(recipe));
    writeFileSync(join(directory, "etc", "fstab"), "");
    assert.notEqual(imageName({ ...recipe, tree: directory }), imageName(recipe));
  } finally {
    rmSync(directory, { recursive: true });
  }
});
