export { erofsObstacle } from "./erofs/erofs-support.ts";
export { writeErofs } from "./erofs/erofs-writer.ts";
export { LayerTree } from "./erofs/layer-tree.ts";
export { LayeredFiles } from "./erofs/layered-files.ts";
