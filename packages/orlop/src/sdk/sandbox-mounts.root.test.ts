import { sandboxMountsSuite } from "./sandbox-mounts-suite-fixture.ts";

sandboxMountsSuite({ skip: process.getuid?.() === 0 ? false : "needs root" });
