import type { CommandGroup, LazyCommand } from "./command-entry.ts";

export const IMAGES: LazyCommand = {
  summary: "List images",
  load: async () => (await import("../images/images-command.ts")).imagesCommand,
};

export const RMI: LazyCommand = {
  summary: "Remove images",
  load: async () => (await import("../images/rmi-command.ts")).rmiCommand,
};

export const TAG: LazyCommand = {
  summary: "Give an image another name",
  load: async () => (await import("../images/tag-command.ts")).tagCommand,
};

export const HISTORY: LazyCommand = {
  summary: "Show the steps that made an image",
  load: async () => (await import("../images/history-command.ts")).historyCommand,
};

export const PULL: LazyCommand = {
  summary: "Bring images from a registry",
  load: async () => (await import("../transfer/pull-command.ts")).pullCommand,
};

export const PUSH: LazyCommand = {
  summary: "Copy an image to a registry",
  load: async () => (await import("../transfer/push-command.ts")).pushCommand,
};

export const SAVE: LazyCommand = {
  summary: "Write images to an archive",
  load: async () => (await import("../transfer/save-command.ts")).saveCommand,
};

export const LOAD: LazyCommand = {
  summary: "Take in the images of an archive",
  load: async () => (await import("../transfer/load-command.ts")).loadCommand,
};

export const IMPORT: LazyCommand = {
  summary: "Make an image of an archive of a root file system",
  load: async () => (await import("../transfer/import-command.ts")).importCommand,
};

export const IMAGE_GROUP: CommandGroup = {
  name: "image",
  summary: "What can be done with images",
  commands: [
    { name: "ls", aliases: ["list"], ...IMAGES },
    { name: "rm", aliases: ["remove", "rmi"], ...RMI },
    { name: "tag", ...TAG },
    {
      name: "inspect",
      summary: "Tell all about images",
      load: async () => (await import("../images/inspect-command.ts")).imageInspectCommand,
    },
    { name: "history", ...HISTORY },
    { name: "pull", ...PULL },
    { name: "push", ...PUSH },
    { name: "save", ...SAVE },
    { name: "load", ...LOAD },
    { name: "import", ...IMPORT },
    {
      name: "exists",
      summary: "Tell by the exit code whether there is such an image",
      load: async () => (await import("./exists-commands.ts")).imageExistsCommand,
    },
    {
      name: "prune",
      summary: "Remove images that are not in use",
      load: async () => (await import("../gc/image-prune-command.ts")).imagePruneCommand,
    },
  ],
};
