import type { Verb } from "./verb.ts";

/** A verb before its code is loaded: a call must load little. */
interface VerbEntry {
  readonly name: string;
  readonly summary: string;
  load(): Promise<Verb>;
}

export const VERBS: readonly VerbEntry[] = [
  {
    name: "create",
    summary: "Make a container, ready to start",
    load: async () => (await import("./verbs/create.ts")).createVerb,
  },
  {
    name: "start",
    summary: "Execute the program of a created container",
    load: async () => (await import("./verbs/start.ts")).startVerb,
  },
  {
    name: "run",
    summary: "Create, start, wait for and delete a container",
    load: async () => (await import("./verbs/run.ts")).runVerb,
  },
  {
    name: "state",
    summary: "Show the state of a container",
    load: async () => (await import("./verbs/state.ts")).stateVerb,
  },
  {
    name: "kill",
    summary: "Send a signal to a container",
    load: async () => (await import("./verbs/kill.ts")).killVerb,
  },
  {
    name: "delete",
    summary: "Remove a container and all that was made for it",
    load: async () => (await import("./verbs/delete.ts")).deleteVerb,
  },
  {
    name: "exec",
    summary: "Start a further process in a container",
    load: async () => (await import("./verbs/exec.ts")).execVerb,
  },
  {
    name: "list",
    summary: "Show all containers",
    load: async () => (await import("./verbs/list.ts")).listVerb,
  },
  {
    name: "ps",
    summary: "Show the processes of a container",
    load: async () => (await import("./verbs/ps.ts")).psVerb,
  },
  {
    name: "pause",
    summary: "Freeze all processes of a container",
    load: async () => (await import("./verbs/pause.ts")).pauseVerb,
  },
  {
    name: "resume",
    summary: "Thaw a paused container",
    load: async () => (await import("./verbs/pause.ts")).resumeVerb,
  },
  {
    name: "update",
    summary: "Change the limits of a container",
    load: async () => (await import("./verbs/update.ts")).updateVerb,
  },
  {
    name: "events",
    summary: "Show what a container uses, and when it runs out of memory",
    load: async () => (await import("./verbs/events.ts")).eventsVerb,
  },
  {
    name: "features",
    summary: "Show what this runtime can do",
    load: async () => (await import("./verbs/features.ts")).featuresVerb,
  },
  {
    name: "spec",
    summary: "Write a config.json to start from",
    load: async () => (await import("./verbs/spec.ts")).specVerb,
  },
  {
    name: "checkpoint",
    summary: "Save a running container",
    load: async () => (await import("./verbs/checkpoint.ts")).checkpointVerb,
  },
  {
    name: "restore",
    summary: "Go on with a saved container",
    load: async () => (await import("./verbs/restore.ts")).restoreVerb,
  },
];
