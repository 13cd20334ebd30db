import assert from "node:assert/strict";
import { homedir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { cacheDirectory } from "./image-cache.ts";

test("images are cached where the caller says, else for the machine as root and for oneself otherwise", () => {
  assert.equal(cacheDirectory({ XDG_CACHE_HOME: "/c" }, 0), "/c/orlop");
  assert.equal(cacheDirectory({ XDG_CACHE_HOME: "" }, 0), "/var/cache/orlop-vm");
  assert.equal(cacheDirectory({}, 1000), join(homedir(), ".cache", "orlop"));
});
