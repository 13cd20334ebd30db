// Apart from what reads files of images, which loads it where one is on a disk: most are not.
export { openDiskRoot } from "@orlop/snapshot";
