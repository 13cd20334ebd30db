// Apart from the depot, which loads it for those who collect: a start of a container does not.
export { collectGarbage } from "@orlop/image";
