import type { PublishedPort } from "@orlop/core";
import type { Container, EngineStatus } from "@orlop/engine";

/** A container as it is at one moment. */
export interface ContainerInfo {
  /** 64 lower-case hex digits. */
  readonly id: string;
  readonly name: string;
  /** As it was named. */
  readonly image: string;
  readonly status: EngineStatus;
  /** Of its init, while it runs. */
  readonly pid: number | undefined;
  /** Of its last run; undefined before the end of the first. */
  readonly exitCode: number | undefined;
  readonly oomKilled: boolean;
  /** Unix times in milliseconds. */
  readonly createdAtMs: number;
  readonly startedAtMs: number | undefined;
  readonly finishedAtMs: number | undefined;
  readonly labels: Readonly<Record<string, string>>;
  /** On its networks, while it runs, without the lengths of prefixes. */
  readonly addresses: readonly string[];
  /** Published, while it runs. */
  readonly ports: readonly Required<PublishedPort>[];
}

export function containerInfo({ id, name, image, createdAtMs, labels, state }: Container): ContainerInfo {
  const { status, pid, exitCode, oomKilled, startedAtMs, finishedAtMs, endpoints } = state;
  return {
    ...{ id, name, image: image.text, status, pid, oomKilled, createdAtMs, startedAtMs, finishedAtMs, labels },
    exitCode: finishedAtMs === undefined ? undefined : exitCode,
    addresses: endpoints.flatMap(({ addresses }) => addresses.map((address) => address.replace(/\/.*$/, ""))),
    ports: endpoints.flatMap(({ ports }) => ports),
  };
}
