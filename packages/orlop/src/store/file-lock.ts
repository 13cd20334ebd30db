// Apart from the depot, which loads it for those who lock something in it: a start of a container does not.
export { FileLock } from "@orlop/image";
