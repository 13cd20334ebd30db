import type { Command } from "./command.ts";

/** A verb before its code is loaded: starting fast means loading little. */
interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  load(): Promise<Command>;
}

export const COMMANDS: readonly CommandEntry[] = [
  {
    name: "run",
    summary: "Run a program in a new container",
    load: async () => (await import("./run/run-command.ts")).runCommand,
  },
  {
    name: "pull",
    summary: "Bring images from a registry",
    load: async () => (await import("./transfer/pull-command.ts")).pullCommand,
  },
  {
    name: "push",
    summary: "Copy an image to a registry",
    load: async () => (await import("./transfer/push-command.ts")).pushCommand,
  },
  {
    name: "save",
    summary: "Write images to an archive",
    load: async () => (await import("./transfer/save-command.ts")).saveCommand,
  },
  {
    name: "load",
    summary: "Take in the images of an archive",
    load: async () => (await import("./transfer/load-command.ts")).loadCommand,
  },
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
