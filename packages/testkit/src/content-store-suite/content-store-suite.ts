import { suite, test } from "node:test";
import { withTemporaryDirectory } from "../temporary-directory.ts";
import { blobCases } from "./blob-cases.ts";
import { ContentBench, type MakeContentStore } from "./content-bench.ts";
import { ingestCases } from "./ingest-cases.ts";
import { sharingCases } from "./sharing-cases.ts";

/** What the suite asserts, on a fresh store. */
export interface ContentStoreCase {
  readonly title: string;
  check(bench: ContentBench): Promise<void>;
}

const groups: Readonly<Record<string, readonly ContentStoreCase[]>> = {
  blobs: blobCases,
  ingests: ingestCases,
  "several at once": sharingCases,
};

/** Registers the conformance suite of the `ContentStore` contract. `make` opens a store on a directory, again and again. */
export function contentStoreSuite(name: string, make: MakeContentStore): void {
  suite(`${name}, as a ContentStore`, () => {
    for (const [group, cases] of Object.entries(groups)) {
      suite(group, () => {
        for (const { title, check } of cases) {
          test(title, async () => {
            await withTemporaryDirectory(async (directory) => {
              await using bench = await ContentBench.open(make, directory);
              await check(bench);
            });
          });
        }
      });
    }
  });
}
