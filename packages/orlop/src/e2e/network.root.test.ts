import "./network-suite-fixture.ts";
