/** The program `orlop-oci` as one process of Node, which leaves none behind. */
import { callAlone } from "./call-alone.ts";

await callAlone(process.argv.slice(2));
