import { type ContentStore, type Descriptor, OrlopError } from "@orlop/core";
import { imageParts } from "./image-parts.ts";
import { readDocument } from "./store-source.ts";

/** Whether the content store has all of an image: every manifest of an index, with its config and its layers. */
export async function isWhole(content: ContentStore, target: Descriptor): Promise<boolean> {
  try {
    const parts = await imageParts((descriptor) => readDocument(content, descriptor), target, {});
    for (const { children } of parts) {
      for (const { digest } of children) if (!(await content.has(digest))) return false;
    }
    return true;
  } catch (error) {
    if (error instanceof OrlopError && error.code === "not-found") return false;
    throw error;
  }
}
