// Apart from the depot, which loads it for those who look at all that is there: a start of a container does not.
export { ProxyNamespaces } from "@orlop/snapshot";
