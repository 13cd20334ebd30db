import { lostReaperSuite } from "./lost-reaper-suite-fixture.ts";

lostReaperSuite(true);
