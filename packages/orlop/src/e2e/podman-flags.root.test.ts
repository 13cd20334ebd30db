import { podmanFlagsSuite } from "./podman-flags-suite-fixture.ts";

const skip = process.getuid?.() === 0 ? false : "needs root";
for (const daemon of [false, true]) podmanFlagsSuite({ skip, stateDirectory: "/run/orlop", daemon });
