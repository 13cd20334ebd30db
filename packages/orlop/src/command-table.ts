import type { Command } from "./command.ts";

/** What loads the code of a verb: starting fast means loading little. */
interface LazyCommand {
  readonly summary: string;
  load(): Promise<Command>;
}

/** A verb before its code is loaded. */
export interface CommandEntry extends LazyCommand {
  readonly name: string;
  /** Other words for it, which lists do not show. */
  readonly aliases?: readonly string[];
}

/** Verbs of two words, of which the first says what they are about. */
export interface CommandGroup {
  readonly name: string;
  readonly summary: string;
  readonly commands: readonly CommandEntry[];
}

const IMAGES: LazyCommand = {
  summary: "List images",
  load: async () => (await import("./images/images-command.ts")).imagesCommand,
};

const RMI: LazyCommand = {
  summary: "Remove images",
  load: async () => (await import("./images/rmi-command.ts")).rmiCommand,
};

const TAG: LazyCommand = {
  summary: "Give an image another name",
  load: async () => (await import("./images/tag-command.ts")).tagCommand,
};

const INSPECT: LazyCommand = {
  summary: "Tell all about images",
  load: async () => (await import("./images/inspect-command.ts")).inspectCommand,
};

const HISTORY: LazyCommand = {
  summary: "Show the steps that made an image",
  load: async () => (await import("./images/history-command.ts")).historyCommand,
};

const PULL: LazyCommand = {
  summary: "Bring images from a registry",
  load: async () => (await import("./transfer/pull-command.ts")).pullCommand,
};

const PUSH: LazyCommand = {
  summary: "Copy an image to a registry",
  load: async () => (await import("./transfer/push-command.ts")).pushCommand,
};

const SAVE: LazyCommand = {
  summary: "Write images to an archive",
  load: async () => (await import("./transfer/save-command.ts")).saveCommand,
};

const LOAD: LazyCommand = {
  summary: "Take in the images of an archive",
  load: async () => (await import("./transfer/load-command.ts")).loadCommand,
};

const IMPORT: LazyCommand = {
  summary: "Make an image of an archive of a root file system",
  load: async () => (await import("./transfer/import-command.ts")).importCommand,
};

export const COMMANDS: readonly CommandEntry[] = [
  {
    name: "run",
    summary: "Run a program in a new container",
    load: async () => (await import("./run/run-command.ts")).runCommand,
  },
  { name: "images", ...IMAGES },
  { name: "pull", ...PULL },
  { name: "push", ...PUSH },
  { name: "tag", ...TAG },
  { name: "rmi", ...RMI },
  {
    name: "login",
    summary: "Keep a password for a registry",
    load: async () => (await import("./transfer/login-command.ts")).loginCommand,
  },
  {
    name: "logout",
    summary: "Forget the password for a registry",
    load: async () => (await import("./transfer/logout-command.ts")).logoutCommand,
  },
  { name: "save", ...SAVE },
  { name: "load", ...LOAD },
  { name: "import", ...IMPORT },
  {
    name: "commit",
    summary: "Make an image of a running container",
    load: async () => (await import("./commit/commit-command.ts")).commitCommand,
  },
  {
    name: "diff",
    summary: "List what a running container has written",
    load: async () => (await import("./commit/diff-command.ts")).diffCommand,
  },
  { name: "inspect", ...INSPECT },
  { name: "history", ...HISTORY },
  {
    name: "explain",
    summary: "Show the system calls that would make a container",
    load: async () => (await import("./explain/explain-command.ts")).explainCommand,
  },
  {
    name: "doctor",
    summary: "Tell what this machine lacks, why it matters, and what to do about it",
    load: async () => (await import("./doctor/doctor-command.ts")).doctorCommand,
  },
  {
    name: "version",
    summary: "Show the versions of orlop, Node.js and the kernel",
    load: async () => (await import("./version/version-command.ts")).versionCommand,
  },
];

export const GROUPS: readonly CommandGroup[] = [
  {
    name: "image",
    summary: "What can be done with images",
    commands: [
      { name: "ls", aliases: ["list"], ...IMAGES },
      { name: "rm", aliases: ["remove", "rmi"], ...RMI },
      { name: "tag", ...TAG },
      { name: "inspect", ...INSPECT },
      { name: "history", ...HISTORY },
      { name: "pull", ...PULL },
      { name: "push", ...PUSH },
      { name: "save", ...SAVE },
      { name: "load", ...LOAD },
      { name: "import", ...IMPORT },
      {
        name: "prune",
        summary: "Remove images that are not in use",
        load: async () => (await import("./gc/image-prune-command.ts")).imagePruneCommand,
      },
    ],
  },
  {
    name: "system",
    summary: "What can be done with all that is on the disk",
    commands: [
      {
        name: "df",
        summary: "Show what takes how much of the disk",
        load: async () => (await import("./gc/system-df-command.ts")).systemDfCommand,
      },
      {
        name: "prune",
        summary: "Remove all that is not in use",
        load: async () => (await import("./gc/system-prune-command.ts")).systemPruneCommand,
      },
    ],
  },
];
