import { featuresDocument } from "../features-document.ts";
import type { Verb } from "../verb.ts";

export const featuresVerb: Verb = {
  name: "features",
  usage: "",
  description: "Shows, as JSON in the form of the runtime-spec's features.md, what this runtime can do.",
  flags: [],
  words: [0, 0],
  async run({ call }) {
    call.print(`${JSON.stringify(featuresDocument(), undefined, 4)}\n`);
    return 0;
  },
};
