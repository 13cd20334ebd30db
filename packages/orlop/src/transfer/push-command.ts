import {
  formatReference,
  type ImageRecord,
  OrlopError,
  type Platform,
  parsePlatform,
  parseReference,
} from "@orlop/core";
import { copyImage, isWhole, StoreSource } from "@orlop/image";
import { mountSources, RegistryClient } from "@orlop/image/registry";
import type { Command } from "../command.ts";
import { findImage } from "../images/find-image.ts";
import { keepImage } from "../images/keep-image.ts";
import { printText } from "../print.ts";
import { showProgress } from "../progress/show-progress.ts";
import { type Depot, openDepot } from "../store/open-depot.ts";
import { ownPlatform } from "../store/own-platform.ts";
import { CancelOnSignals } from "./cancel-on-signals.ts";
import { collectInOneGo } from "./collect-in-one-go.ts";
import { REGISTRY_FLAGS, registryOptions } from "./registry-flags.ts";

export const pushCommand: Command = {
  name: "push",
  usage: "[OPTIONS] IMAGE [DESTINATION]",
  description:
    "Copies an image of this machine to a registry, under its own name or under another one. What the registry has is not " +
    "sent again, and the digests stay.\n\n" +
    "Of an image for several platforms that is here for one only, that one is pushed.",
  examples: [
    ["orlop push registry.example/app:1.2", "under its own name"],
    ["orlop push app:dev registry.example/app:1.2", "under another one"],
  ],
  table: {
    flags: [
      { name: "platform", value: "OS/ARCH[/VARIANT]", help: "Of an image for several platforms push this one only" },
      { name: "quiet", short: "q", help: "Show no progress" },
      ...REGISTRY_FLAGS,
    ],
    refused: [
      { name: "all-tags", short: "a", isSwitch: true, reason: "push them one by one" },
      { name: "disable-content-trust", isSwitch: true, reason: "nothing is signed on the way" },
    ],
  },
  failureExitCode: 1,
  async run(flags) {
    const [text, destination = text, ...more] = flags.positional;
    if (text === undefined || destination === undefined || more.length > 0) {
      throw new OrlopError("invalid", "an image is required, and at most a destination");
    }
    const reference = parseReference(destination);
    collectInOneGo();
    await using depot = openDepot();
    const { record } = await findImage(depot, text);
    await using _kept = await keepImage(depot, record, "push");
    const platform = await platformOf(depot, record, flags.parse("platform", parsePlatform));
    using cancel = new CancelOnSignals();
    using progress = showProgress({ quiet: flags.isOn("quiet"), movement: "uploading" });
    using client = new RegistryClient(registryOptions(flags));
    const mountFrom = await mountSources(depot.content, await depot.images.list(), reference);
    await using sink = client.sink(reference, { mountFrom });
    const target = await copyImage(new StoreSource(depot.content, [record]), sink, record, {
      ...(platform === undefined ? {} : { platform }),
      signal: cancel.signal,
      onEvent: (event) => progress.onEvent(event),
    });
    progress[Symbol.dispose]();
    await sink.finish();
    printText(`${formatReference(reference)}@${target.digest}\n`);
    return 0;
  },
};

/** Undefined for all there is. */
async function platformOf(
  depot: Depot,
  { target }: ImageRecord,
  asked: Platform | undefined,
): Promise<Platform | undefined> {
  if (asked !== undefined) return asked;
  return (await isWhole(depot.content, target)) ? undefined : ownPlatform();
}
