import { contentStoreSuite } from "@orlop/testkit";
import { openStore } from "./open-store.ts";

contentStoreSuite("a directory", async (directory) => {
  const store = openStore(directory);
  return { content: store.content, [Symbol.asyncDispose]: async () => store.close() };
});
