import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { Descriptor, ImageStore } from "@orlop/core";
import { withTemporaryDirectory } from "../temporary-directory.ts";

/** A store of a directory that other stores may be open on. */
export interface ImageStoreSubject extends AsyncDisposable {
  readonly images: ImageStore;
}

type MakeImageStore = (directory: string) => Promise<ImageStoreSubject>;

interface ImageStoreCase {
  readonly title: string;
  /** `another` opens one more store on the same directory, as another process has it. */
  check(images: ImageStore, another: () => Promise<ImageStore>): Promise<void>;
}

const target = (digit: string): Descriptor => ({
  mediaType: "application/vnd.oci.image.index.v1+json",
  digest: `sha256:${digit.repeat(64)}`,
  size: 7,
  annotations: { "org.example.a": "ø" },
});

const CASES: readonly ImageStoreCase[] = [
  {
    title: "gives back what a name was put for",
    async check(images) {
      const put = await images.put("docker.io/library/app:1", target("1"), { team: "a" });
      assert.deepEqual(await images.get("docker.io/library/app:1"), put);
      const { name, labels, createdAtMs, updatedAtMs } = put;
      assert.deepEqual(
        [name, put.target, labels, updatedAtMs],
        ["docker.io/library/app:1", target("1"), { team: "a" }, createdAtMs],
      );
    },
  },
  {
    title: "has a name refer to another target, and keeps when it was made",
    async check(images) {
      const before = await images.put("app", target("1"), { team: "a" });
      const after = await images.put("app", target("2"));
      assert.deepEqual([after.target, after.labels, after.createdAtMs], [target("2"), {}, before.createdAtMs]);
      assert.equal((await images.list()).length, 1);
    },
  },
  {
    title: "lists names sorted, and tells names apart by case",
    async check(images) {
      for (const name of ["b", "A", "a", "a:1", "sha256:1"]) await images.put(name, target("1"));
      const names = (await images.list()).map(({ name }) => name);
      assert.deepEqual(names, ["A", "a", "a:1", "b", "sha256:1"]);
    },
  },
  {
    title: "does not find what is not there, nor what was deleted",
    async check(images) {
      assert.deepEqual(await images.list(), []);
      await images.put("app", target("1"));
      await images.delete("app");
      await assert.rejects(images.get("app"), { code: "not-found" });
      await assert.rejects(images.delete("app"), { code: "not-found" });
    },
  },
  {
    title: "shows each process what others have done",
    async check(images, another) {
      const other = await another();
      await images.put("app", target("1"));
      assert.deepEqual(await other.list(), await images.list());
      await other.delete("app");
      assert.deepEqual(await images.list(), []);
    },
  },
];

/** Registers the conformance suite of the `ImageStore` contract. `make` opens a store on a directory, again and again. */
export function imageStoreSuite(name: string, make: MakeImageStore): void {
  suite(`${name}, as an ImageStore`, () => {
    for (const { title, check } of CASES) {
      test(title, async () => {
        await withTemporaryDirectory(async (directory) => {
          await using stack = new AsyncDisposableStack();
          const open = async (): Promise<ImageStore> => stack.use(await make(directory)).images;
          await check(await open(), open);
        });
      });
    }
  });
}
