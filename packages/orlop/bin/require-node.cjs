// Loaded before anything else with a Node of unknown age: what is too old could not even read the rest.
// Only syntax that every Node reads.
var oldest = 24;
if (parseInt(process.versions.node, 10) < oldest) {
  console.error(
    "orlop: Cannot run on Node.js " +
      process.versions.node +
      ": version " +
      oldest +
      " or newer is needed.\n" +
      "Try installing a newer one from https://nodejs.org, or run orlop from a checkout after npm ci, which brings its own.",
  );
  process.exit(125);
}
