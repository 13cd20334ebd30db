import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before } from "node:test";

/** For the tests of a file: a directory, and in it `tmp`, where what is tested puts what it needs for a while. */
export function useScratch(prefix: string): { readonly path: string; readonly temporary: string } {
  const scratch = { path: "", temporary: "" };
  const usual = process.env.TMPDIR;
  before(() => {
    scratch.path = mkdtempSync(join(tmpdir(), prefix));
    scratch.temporary = join(scratch.path, "tmp");
    mkdirSync(scratch.temporary);
    process.env.TMPDIR = scratch.temporary;
  });
  after(() => {
    if (usual === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = usual;
    rmSync(scratch.path, { recursive: true });
  });
  return scratch;
}
