const QUALITIES =
  "able airy amber apt arctic azure bold brave brisk calm candid clear clever cool coral deft eager early easy even fair fast fine fleet fond free fresh gentle glad golden grand handy hardy hazel idle jolly keen kind lively lofty lucid mellow merry mild modest neat nimble noble open patient plain polite prompt proud quick quiet rapid ready rosy rustic sage silver sleek smart snug solid spry stable steady sunny swift tidy trim true vivid warm wise witty young";
const THINGS =
  "anchor bark beacon beam berth boom bosun bow brig buoy cabin cable capstan cleat clipper compass cutter davit deck dinghy dock dory fathom ferry frigate galley gale gull halyard harbor haven hawser helm hull jetty jib junk kayak keel ketch lagoon lantern ledge mast mizzen moor oar orlop packet pier pilot pinnace planks port prow quay raft reef rigging rudder sail schooner sextant shoal skiff sloop spar stay stern strait tackle tender tide tiller trawler vane wake watch wharf winch yacht yard yawl";

/** A name for a container that was given none: `calm_harbor`. */
export function randomName(random: (length: number) => Uint8Array): string {
  return [QUALITIES, THINGS].map((words) => pick(words.split(" "), random)).join("_");
}

function pick(words: readonly string[], random: (length: number) => Uint8Array): string {
  const [high = 0, low = 0] = random(2);
  return words[((high << 8) | low) % words.length] ?? "";
}
