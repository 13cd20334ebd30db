const QUALITIES: readonly string[] =
  "able airy amber apt arctic azure bold brave brisk calm candid clear clever cool coral deft eager early easy even fair fast fine fleet fond free fresh gentle glad golden grand handy hardy hazel idle jolly keen kind lively lofty lucid mellow merry mild modest neat nimble noble open patient plain polite prompt proud quick quiet rapid ready rosy rustic sage silver sleek smart snug solid spry stable steady sunny swift tidy trim true vivid warm wise witty young".split(
    " ",
  );
const THINGS: readonly string[] =
  "anchor bark beacon beam berth boom bosun bow brig buoy cabin cable capstan cleat clipper compass cutter davit deck dinghy dock dory fathom ferry frigate galley gale gull halyard harbor haven hawser helm hull jetty jib junk kayak keel ketch lagoon lantern ledge mast mizzen moor oar orlop packet pier pilot pinnace planks port prow quay raft reef rigging rudder sail schooner sextant shoal skiff sloop spar stay stern strait tackle tender tide tiller trawler vane wake watch wharf winch yacht yard yawl".split(
    " ",
  );

/** A name for a container that was given none: `calm_harbor`. */
export function randomName(random: (length: number) => Uint8Array): string {
  const [a = 0, b = 0, c = 0, d = 0] = random(4);
  return `${pick(QUALITIES, (a << 8) | b)}_${pick(THINGS, (c << 8) | d)}`;
}

function pick(words: readonly string[], number: number): string {
  return words[number % words.length] ?? "";
}
