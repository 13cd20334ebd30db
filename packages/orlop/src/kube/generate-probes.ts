import type { ContainerProbe, ContainerProbes, ProbeAction } from "@orlop/engine";

/** Fields of a container for its probes, as a document has them. */
export function generateProbes(probes: ContainerProbes = {}): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(probes).map(([name, probe]) => [`${name}Probe`, documentOf(probe)]));
}

function documentOf(probe: ContainerProbe): object {
  return {
    ...actionDocument(probe.action),
    initialDelaySeconds: probe.initialDelayMs / 1000,
    periodSeconds: probe.periodMs / 1000,
    timeoutSeconds: probe.timeoutMs / 1000,
    successThreshold: probe.successThreshold,
    failureThreshold: probe.failureThreshold,
  };
}

function actionDocument(action: ProbeAction): object {
  switch (action.kind) {
    case "exec":
      return { exec: { command: action.args } };
    case "http": {
      const { port, path, headers } = action;
      return { httpGet: { port, path, ...(headers.length === 0 ? {} : { httpHeaders: headers }) } };
    }
    case "tcp":
      return { tcpSocket: { port: action.port } };
  }
}
