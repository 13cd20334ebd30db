/** Copies the image of a layout into another under a name; a test kills it, or has several of them at once. */
import { copyImage } from "../transfer/copy-image.ts";
import { createLayout } from "./layout-sink.ts";
import { openLayout } from "./open-layout.ts";

const [from = "", to = "", ...names] = process.argv.slice(2);
const source = openLayout(from);
await using sink = createLayout(to);
for (const name of names) await copyImage(source, sink, source.image(), { name });
