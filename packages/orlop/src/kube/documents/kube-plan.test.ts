import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { OrlopError } from "@orlop/core";
import type { KubeContainer } from "./kube-container.ts";
import { KUBE_TYPES } from "./kube-fields.ts";
import { type KubePlan, planKube } from "./kube-plan.ts";
import type { KubePod } from "./kube-pod.ts";
import { readKubeDocuments } from "./read-kube-documents.ts";

function plan(text: string): KubePlan {
  return planKube(readKubeDocuments(text, "test.yaml"));
}

/** A pod with one container, and what is added to its spec and its container; both in the flow style of YAML. */
function podText(spec = "", container = ""): string {
  const one = `{name: main, image: host${container === "" ? "" : `, ${container}`}}`;
  return `{apiVersion: v1, kind: Pod, metadata: {name: web}, spec: {containers: [${one}]${spec === "" ? "" : `, ${spec}`}}}`;
}

function onlyPod(text: string): KubePod {
  const { pods } = plan(text);
  assert.equal(pods.length, 1);
  return pods[0] as KubePod;
}

function only(container: string, spec = ""): KubeContainer {
  return onlyPod(podText(spec, container)).containers[0] as KubeContainer;
}

function refusedAt(text: string): string {
  try {
    plan(text);
  } catch (error) {
    assert.ok(error instanceof OrlopError, String(error));
    return `${error.code} ${error.field}`;
  }
  return "taken";
}

describe("a pod of a document", () => {
  test("has what its spec says", () => {
    const pod = onlyPod(`
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}, annotations: {note: x}}
spec:
  restartPolicy: OnFailure
  terminationGracePeriodSeconds: 3
  hostname: front
  shareProcessNamespace: true
  hostAliases: [{ip: 10.1.2.3, hostnames: [db, cache]}]
  dnsConfig: {nameservers: [9.9.9.9], searches: [example], options: [{name: ndots, value: "2"}, {name: rotate}]}
  securityContext: {sysctls: [{name: net.core.somaxconn, value: "128"}]}
  resources: {limits: {memory: 256Mi, cpu: "1"}}
  initContainers: [{name: first, image: host, command: ["true"]}]
  containers:
    - {name: main, image: host, ports: [{containerPort: 80, hostPort: 8080}, {containerPort: 81}]}
    - {name: other, image: busybox, ports: [{containerPort: 53, hostPort: 53, hostIP: 0.0.0.0, protocol: UDP}]}
`);
    assert.deepEqual(
      [pod.name, pod.labels, pod.annotations, pod.restart, pod.stopTimeoutSeconds, pod.hostname, pod.sharesProcesses],
      ["web", { app: "web" }, { note: "x" }, "on-failure", 3, "front", true],
    );
    assert.deepEqual(pod.hosts, [{ address: "10.1.2.3", names: ["db", "cache"] }]);
    assert.deepEqual(pod.dns, { servers: ["9.9.9.9"], search: ["example"], options: ["ndots:2", "rotate"] });
    assert.deepEqual(pod.sysctl, { "net.core.somaxconn": "128" });
    assert.deepEqual(pod.ports, [
      { protocol: "tcp", hostPort: 8080, containerPort: 80 },
      { protocol: "udp", hostPort: 53, containerPort: 53, hostAddress: "0.0.0.0" },
    ]);
    assert.deepEqual(
      [pod.initContainers, pod.containers].map((all) => all.map(({ name }) => name)),
      [["first"], ["main", "other"]],
    );
    assert.equal(
      pod.resourceFlags.join(" "),
      "--cpu-period 100000 --cpu-quota 100000 --memory 268435456 --memory-swap 268435456",
    );
  });

  test("has this machine's processes, IPC and users where they are asked for", () => {
    const plain = onlyPod(podText());
    assert.deepEqual([plain.hostProcesses, plain.hostIpc, plain.hostUsers], [false, false, undefined]);
    const host = onlyPod(podText("hostPID: true, hostIPC: true, hostUsers: false"));
    assert.deepEqual([host.hostProcesses, host.hostIpc, host.hostUsers], [true, true, false]);
  });

  test("is restarted always, has half a minute to stop, and no ports on this machine's own network", () => {
    const pod = onlyPod(podText("hostNetwork: true", "ports: [{containerPort: 80, hostPort: 80}]"));
    assert.deepEqual([pod.restart, pod.stopTimeoutSeconds, pod.hostNetwork, pod.ports], ["always", 30, true, []]);
  });
});

describe("a container of a document", () => {
  test("runs its command with its arguments, in which variables are replaced", () => {
    const made = only(
      'command: [sh, -c, "echo $(A) $$(A) $(B) $x"], args: ["$(A)$(A)"], env: [{name: A, value: one}, {name: C, value: "$(A)!"}]',
    );
    assert.deepEqual(made.flags, ["--entrypoint", "sh"]);
    assert.deepEqual(made.words, ["-c", "echo one $(A) $(B) $x", "oneone"]);
    assert.deepEqual(made.variables, [
      { name: "A", value: "one" },
      { name: "C", value: "one!" },
    ]);
  });

  test("keeps the image's program where only arguments are said", () => {
    const { flags, words } = only("args: [a, b]");
    assert.deepEqual([flags, words], [[], ["a", "b"]]);
  });

  test("gets limits, identity and rights as flags", () => {
    const security = "runAsUser: 1000, readOnlyRootFilesystem: true, allowPrivilegeEscalation: false";
    const made = only(
      `securityContext: {${security}, capabilities: {add: [NET_RAW], drop: [ALL]}, seccompProfile: {type: Unconfined}}, ` +
        "resources: {limits: {cpu: 250m, memory: 64Mi}, requests: {cpu: 100m, memory: 32Mi}}, stdin: true, tty: true, " +
        "workingDir: /srv, imagePullPolicy: Never",
      "securityContext: {runAsGroup: 7, supplementalGroups: [8]}",
    );
    assert.equal(
      made.flags.join(" "),
      "--workdir /srv --pull never --interactive --tty --cpu-period 100000 --cpu-quota 25000 --memory 67108864 " +
        "--memory-swap 67108864 --cpu-shares 102 --memory-reservation 33554432 --user 1000:7 --group-add 8 --read-only " +
        "--security-opt no-new-privileges --cap-add NET_RAW --cap-drop ALL --security-opt seccomp=unconfined",
    );
  });

  test("has profiles of its own before those of its pod, and /proc as it is where that is asked for", () => {
    const own = "seccompProfile: {type: Localhost, localhostProfile: audit/x.json}, procMount: Unmasked";
    const profiles =
      "securityContext: {seccompProfile: {type: Unconfined}, appArmorProfile: {type: Localhost, localhostProfile: tight}}";
    assert.equal(
      only(`securityContext: {${own}}`, profiles).flags.join(" "),
      "--security-opt systempaths=unconfined --security-opt seccomp=/var/lib/kubelet/seccomp/audit/x.json " +
        "--security-opt apparmor=tight",
    );
    assert.equal(
      only(
        "securityContext: {seccompProfile: {type: RuntimeDefault}, appArmorProfile: {type: Unconfined}}",
        profiles,
      ).flags.join(" "),
      "--security-opt apparmor=unconfined",
    );
  });

  test("has variables of ConfigMaps, Secrets and its pod", () => {
    const text = `
{apiVersion: v1, kind: ConfigMap, metadata: {name: conf}, data: {KEY: value, other: x}}
---
{apiVersion: v1, kind: Secret, metadata: {name: sec}, data: {pass: czNjcmV0}, stringData: {more: plain}}
---
${podText(
  "",
  "envFrom: [{prefix: P_, configMapRef: {name: conf}}, {secretRef: {name: none, optional: true}}], env: [" +
    "{name: A, valueFrom: {configMapKeyRef: {name: conf, key: KEY}}}, {name: B, valueFrom: {secretKeyRef: {name: sec, key: pass}}}, " +
    "{name: C, valueFrom: {fieldRef: {fieldPath: metadata.name}}}, " +
    "{name: D, valueFrom: {configMapKeyRef: {name: conf, key: none, optional: true}}}]",
)}`;
    const variables = onlyPod(text).containers[0]?.variables.map(({ name, value }) => `${name}=${value}`);
    assert.deepEqual(variables, ["P_KEY=value", "P_other=x", "A=value", "B=s3cret", "C=web"]);
  });
});

describe("volumes of a document", () => {
  test("are directories, files of ConfigMaps and Secrets, and volumes", () => {
    const text = `
{apiVersion: v1, kind: ConfigMap, metadata: {name: conf}, data: {a.txt: A, b.txt: B}, binaryData: {c: AAE=}}
---
${podText(
  "volumes: [{name: h, hostPath: {path: /srv, type: Directory}}, {name: e, emptyDir: {}}, {name: c, configMap: {name: conf, " +
    "items: [{key: a.txt, path: sub/a, mode: 256}]}}, {name: all, configMap: {name: conf}}, {name: p, persistentVolumeClaim: {claimName: db}}]",
  "volumeMounts: [{name: h, mountPath: /h, readOnly: true, mountPropagation: HostToContainer}]",
)}`;
    const { volumes, containers } = onlyPod(text);
    assert.deepEqual(volumes.get("h"), { kind: "host", path: "/srv", expects: "Directory" });
    assert.deepEqual(volumes.get("e"), { kind: "empty", name: "e" });
    const file = { path: "sub/a", content: Buffer.from("A"), mode: 0o400 };
    assert.deepEqual(volumes.get("c"), { kind: "files", name: "c", files: [file] });
    const all = volumes.get("all");
    assert.ok(all?.kind === "files");
    assert.deepEqual(
      all.files.map(({ path, content }) => [path, [...content]]),
      [
        ["c", [0, 1]],
        ["a.txt", [65]],
        ["b.txt", [66]],
      ],
    );
    assert.deepEqual(volumes.get("p"), { kind: "claim", volume: "db", readonly: false });
    assert.deepEqual(containers[0]?.mounts, [
      {
        volume: "h",
        destination: "/h",
        readonly: true,
        propagation: "rslave",
        path: "spec.containers[0].volumeMounts[0]",
      },
    ]);
  });

  test("are claimed with names, labels and sizes", () => {
    const { claims } = plan(
      "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: db, labels: {a: b}}, spec: {accessModes: [ReadWriteOnce], " +
        "resources: {requests: {storage: 1Gi}}}}",
    );
    assert.deepEqual(claims, [{ name: "db", labels: { a: "b" }, sizeBytes: 2 ** 30 }]);
  });
});

describe("a deployment", () => {
  const text = (replicas: number, label: string): string =>
    `{apiVersion: apps/v1, kind: Deployment, metadata: {name: front}, spec: {replicas: ${replicas}, selector: {matchLabels: ` +
    `{app: ${label}}}, strategy: {}, template: {metadata: {labels: {app: x}}, spec: {containers: [{name: main, image: host, resources: {}}]}}}, status: {}}`;

  test("is as many pods as it has replicas, each with a name", () => {
    const names = (replicas: number): readonly string[] => plan(text(replicas, "x")).pods.map(({ name }) => name);
    assert.deepEqual([names(0), names(1), names(2)], [[], ["front-pod"], ["front-pod-0", "front-pod-1"]]);
  });

  test("is refused when it does not select its own pods", () => {
    assert.equal(refusedAt(text(1, "y")), "invalid spec.selector.matchLabels");
  });
});

describe("what is not done", () => {
  const cases: Readonly<Record<string, string>> = {
    [podText("", "lifecycle: {preStop: {exec: {command: [x]}}}")]: "unsupported spec.containers[0].lifecycle",
    [podText("", "livenessProbe: {grpc: {port: 80}}")]: "unsupported spec.containers[0].livenessProbe.grpc",
    [podText("nodeName: there")]: "unsupported spec.nodeName",
    [podText("volumes: [{name: v, nfs: {server: s, path: /}}]")]: "unsupported spec.volumes[0].nfs",
    [podText("volumes: [{name: v, emptyDir: {medium: Memory}}]")]: "unsupported spec.volumes[0].emptyDir.medium",
    [podText("", "volumeMounts: [{name: v, mountPath: /x, subPath: y}]")]:
      "unsupported spec.containers[0].volumeMounts[0].subPath",
    [podText("", "resources: {limits: {ephemeral-storage: 1Gi}}")]:
      "unsupported spec.containers[0].resources.limits.ephemeral-storage",
    [podText("", "securityContext: {procMount: Open}")]: "unsupported spec.containers[0].securityContext.procMount",
    [podText("", "securityContext: {seLinuxOptions: {level: s0}}")]:
      "unsupported spec.containers[0].securityContext.seLinuxOptions",
    [podText("initContainers: [{name: i, image: x, livenessProbe: {tcpSocket: {port: 1}}}]")]:
      "invalid spec.initContainers[0].livenessProbe",
    [podText("hostPID: true, shareProcessNamespace: true")]: "invalid spec.shareProcessNamespace",
    [podText("", "securityContext: {seccompProfile: {type: Localhost, localhostProfile: ../../x}}")]:
      "invalid spec.containers[0].securityContext.seccompProfile.localhostProfile",
    [podText("", "securityContext: {appArmorProfile: {type: Unconfined, localhostProfile: x}}")]:
      "invalid spec.containers[0].securityContext.appArmorProfile.localhostProfile",
    [podText("restartPolicy: Sometimes")]: "unsupported spec.restartPolicy",
    [podText("", "env: [{name: A, valueFrom: {fieldRef: {fieldPath: status.podIP}}}]")]:
      "unsupported spec.containers[0].env[0].valueFrom.fieldRef.fieldPath",
    "{apiVersion: v1, kind: Service, metadata: {name: web}}": "unsupported kind",
    "{apiVersion: v2, kind: Pod, metadata: {name: web}}": "unsupported apiVersion",
  };
  for (const [text, expected] of Object.entries(cases)) {
    test(`is refused by its path: ${expected}`, () => assert.equal(refusedAt(text), expected));
  }

  test("is refused in every object by a field that no table has", () => {
    const strange: Readonly<Record<string, string>> = {
      [podText("containerz: []")]: "invalid spec.containerz",
      [podText("", "comand: [x]")]: "invalid spec.containers[0].comand",
      [podText("securityContext: {runAsUsr: 1}")]: "invalid spec.securityContext.runAsUsr",
      [podText("", "env: [{nam: A}]")]: "invalid spec.containers[0].env[0].nam",
      [podText("volumes: [{name: v, hostPath: {pth: /}}]")]: "invalid spec.volumes[0].hostPath.pth",
      "{apiVersion: v1, kind: Pod, metadata: {name: web, lables: {}}, spec: {containers: []}}":
        "invalid metadata.lables",
    };
    for (const [text, expected] of Object.entries(strange)) assert.equal(refusedAt(text), expected);
  });

  test("is no field that says nothing", () => {
    assert.equal(refusedAt(podText("nodeSelector: {}, affinity: null, tolerations: []", "lifecycle: {}")), "taken");
  });
});

describe("wrong values", () => {
  const cases: Readonly<Record<string, string>> = {
    [podText("", "env: [{name: A, value: 8080}]")]: "invalid spec.containers[0].env[0].value",
    [podText("", "ports: [{containerPort: 0}]")]: "invalid spec.containers[0].ports[0].containerPort",
    [podText("", "ports: [{containerPort: 1, hostIP: here, hostPort: 1}]")]:
      "invalid spec.containers[0].ports[0].hostIP",
    [podText("", "resources: {limits: {memory: 1Zb}}")]: "invalid spec.containers[0].resources.limits.memory",
    [podText("", "resources: {limits: {cpu: 1}, requests: {cpu: 2}}")]:
      "invalid spec.containers[0].resources.requests.cpu",
    [podText("", "volumeMounts: [{name: none, mountPath: /x}]")]: "invalid spec.volumes",
    [podText("", "securityContext: {runAsNonRoot: true}")]: "invalid spec.containers[0].securityContext.runAsNonRoot",
    [podText("", "envFrom: [{configMapRef: {name: none}}]")]:
      "not-found spec.containers[0].envFrom[0].configMapRef.name",
    [podText("volumes: [{name: v, secret: {secretName: none}}]")]: "not-found spec.volumes[0].secret.secretName",
    [podText("initContainers: [{name: main, image: host}]")]: "invalid spec.containers",
    [podText("automountServiceAccountToken: true")]: "invalid spec.automountServiceAccountToken",
    "{apiVersion: v1, kind: Pod, metadata: {name: web}, spec: {containers: []}}": "invalid spec.containers",
    "{apiVersion: v1, kind: Pod, metadata: {name: ../x}, spec: {containers: []}}": "invalid metadata.name",
    "{apiVersion: v1, kind: Pod, metadata: {name: web}}": "invalid spec",
    "{apiVersion: v1, kind: Secret, metadata: {name: s}, data: {k: '***'}}": "invalid data.k",
    "{apiVersion: v1, kind: ConfigMap, metadata: {name: s}, data: {../k: x}}": 'invalid data."../k"',
    "[1, 2]": "unsupported kind",
    "a: [": "invalid undefined",
    "a: 1\na: 2": "invalid undefined",
    "": "invalid undefined",
  };
  for (const [text, expected] of Object.entries(cases)) {
    test(`are refused by their path: ${expected} of ${JSON.stringify(text.slice(-40))}`, () =>
      assert.equal(refusedAt(text), expected));
  }

  test("of a file of a ConfigMap cannot lead out of its volume", () => {
    const text = `{apiVersion: v1, kind: ConfigMap, metadata: {name: conf}, data: {a: A}}
---
${podText("volumes: [{name: c, configMap: {name: conf, items: [{key: a, path: ../../a}]}}]")}`;
    assert.equal(refusedAt(text), "invalid spec.volumes[0].configMap.items[0].path");
  });

  test("that grow by references to themselves are refused", () => {
    const bomb = [
      "a: &a [x, x]",
      ...[..."bcdefghij"].map((name, index) => `${name}: &${name} [*${"abcdefghi"[index]}, *${"abcdefghi"[index]}]`),
    ];
    assert.match(refusedAt(bomb.join("\n")), /^(invalid|unsupported) /);
  });
});

describe("the table of fields", () => {
  test("says of each field either what becomes of it or why not", () => {
    for (const [title, fields] of KUBE_TYPES) {
      for (const [name, { done, refused }] of Object.entries(fields)) {
        assert.equal((done === undefined) !== (refused === undefined), true, `${title}.${name}`);
        assert.doesNotMatch(`${done ?? refused}`, /\.$/, `${title}.${name}`);
      }
    }
  });
});
