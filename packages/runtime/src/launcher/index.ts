export { isInherited } from "../oci/is-inherited.ts";
export { keepForegrounds } from "../oci/keep-foregrounds.ts";
export { compileFarewell, compileSay, FAREWELL_TEXT_MAX_BYTES } from "../oci/launcher/farewell-program.ts";
export { type Hello, isOneOfUs } from "../oci/launcher/hello.ts";
export { isListening } from "../oci/launcher/is-listening.ts";
export { readHello } from "../oci/launcher/read-hello.ts";
export { HeldLayers } from "../process/held-layers.ts";
export { processDirectory } from "../process/process-directory.ts";
export { type SpareHold, SpareNetwork } from "../process/spare-network.ts";
