export { writeErofs } from "./erofs/erofs-writer.ts";
export { LayerTree } from "./erofs/layer-tree.ts";
