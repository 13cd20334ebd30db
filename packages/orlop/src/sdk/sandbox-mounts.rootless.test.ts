import { sandboxMountsSuite } from "./sandbox-mounts-suite-fixture.ts";

sandboxMountsSuite({ skip: process.getuid?.() === 0 ? "needs an ordinary user" : false });
