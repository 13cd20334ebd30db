/**
 * What `npm ci` and `npm install` end with in a checkout: the command line is bundled, so that it starts in half the
 * time until somebody edits a source. `npm run prepare` makes a new bundle after that.
 *
 * An installation never fails for it. Without a bundle the command runs from the sources.
 */
try {
  // Whoever leaves the development dependencies out has no bundler.
  const { bundleCheckout } = await import("./build/bundle-checkout.ts");
  await bundleCheckout(process.cwd());
} catch (error) {
  const why = error instanceof Error ? error.message : String(error);
  console.log(`note: orlop will run from its sources, which takes longer to start: ${why}`);
}
