import "./egress-names-suite-fixture.ts";
