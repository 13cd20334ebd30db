export { ErofsLayer } from "./erofs/erofs-layer.ts";
export { erofsObstacle } from "./erofs/erofs-support.ts";
export { LayeredFiles } from "./erofs/layered-files.ts";
export { writeErofs } from "./erofs/write-erofs.ts";
