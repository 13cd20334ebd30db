import assert from "node:assert/strict";
import { readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { SuiteContext, type SuiteOptions } from "./suite-context-fixture.ts";

/** Pods, by the command alone: what their containers share, how long, and what is left of them. */
export function podsSuite(options: SuiteOptions): void {
  const b = new PodBench(options);
  lifeCases(b);
  sharingCases(b);
  documentCases(b);
  hostDocumentCases(b);
  refusalCases(b);
  leftoverCase(b);
  b.c.testLeftovers();
}

/** Commands, and the pods that they have made. */
class PodBench {
  readonly c: SuiteContext;
  readonly pods: string[] = [];

  constructor(options: SuiteOptions) {
    this.c = new SuiteContext(options);
  }

  /** What a command puts out that is to succeed. */
  async ok(...args: readonly string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await this.c.fixture.orlop(args);
    assert.equal(exitCode, 0, `orlop ${args.join(" ")}: ${stderr}`);
    return stdout.trim();
  }

  /** What a command says that is to fail. */
  async refused(...args: readonly string[]): Promise<string> {
    const { exitCode, stderr } = await this.c.fixture.orlop(args);
    assert.notEqual(exitCode, 0, `orlop ${args.join(" ")}`);
    return stderr;
  }

  async create(...args: readonly string[]): Promise<string> {
    const id = await this.ok("pod", "create", ...args);
    this.pods.push(id);
    return id;
  }

  /** Notes the pods that there are. */
  async noted(): Promise<void> {
    this.pods.push(...(await this.ok("pod", "ps", "-q", "--no-trunc")).split("\n"));
  }

  async member(pod: string, name: string, ...words: readonly string[]): Promise<string> {
    return await this.ok("run", "-d", ...this.c.fixture.idFlags(), "--pod", pod, "--name", name, "host", ...words);
  }

  async namespace(container: string, type: string): Promise<string> {
    return await this.ok("exec", container, "readlink", `/proc/self/ns/${type}`);
  }

  /** The document, in a file. */
  file(): string {
    writeFileSync(this.c.place("web.yaml"), DOCUMENT);
    return this.c.place("web.yaml");
  }
}

function lifeCases(b: PodBench): void {
  describe("a pod", { skip: b.c.skip }, () => {
    test("has containers that share network, host name, IPC and memory, and nothing else", async () => {
      const id = await b.create("shared", "--sysctl", "net.ipv4.ip_unprivileged_port_start=7");
      await b.member("shared", "one", "sleep", "1000");
      await b.member("shared", "two", "sleep", "1000");
      for (const type of ["net", "uts", "ipc"]) {
        assert.equal(await b.namespace("one", type), await b.namespace("two", type), type);
        assert.notEqual(await b.namespace("one", type), readlinkSync(`/proc/self/ns/${type}`), type);
      }
      for (const type of ["pid", "mnt"])
        assert.notEqual(await b.namespace("one", type), await b.namespace("two", type));
      await b.ok("exec", "one", "sh", "-c", "echo from one > /dev/shm/note");
      assert.equal(await b.ok("exec", "two", "cat", "/dev/shm/note"), "from one");
      assert.equal(await b.ok("exec", "two", "hostname"), "shared");
      assert.match(await b.ok("exec", "one", "cat", "/etc/hosts"), /\tone two$/m);
      assert.equal(await b.ok("exec", "one", "cat", "/proc/sys/net/ipv4/ip_unprivileged_port_start"), "7");
      const row = await b.ok("pod", "ps", "--format", "{{.Id}} {{.Name}} {{.Status}} {{.NumberOfContainers}}");
      assert.equal(row, `${id.slice(0, 12)} shared Running 2`);
    });

    test("keeps what they share while none of them runs, and makes it anew after a stop", async () => {
      const before = await b.namespace("one", "net");
      await b.ok("stop", "-t", "0", "one", "two");
      await b.ok("start", "two");
      assert.equal(await b.namespace("two", "net"), before);
      assert.equal(await b.ok("pod", "ps", "--format", "{{.Status}}"), "Degraded");
      await b.ok("pod", "stop", "-t", "0", "shared");
      assert.equal(await b.ok("pod", "ps", "--format", "{{.Status}}"), "Exited");
      await b.ok("pod", "start", "shared");
      assert.equal(await b.namespace("one", "net"), await b.namespace("two", "net"));
      await b.ok("pod", "restart", "-t", "0", "shared");
      assert.match(await b.ok("pod", "top", "shared"), /sleep 1000\n.*sleep 1000/);
      assert.match(await b.refused("pod", "rm", "shared"), /its containers one, two run/);
      await b.ok("pod", "rm", "-f", "shared");
      assert.equal(await b.ok("ps", "-aq"), "");
    });
  });
}

function sharingCases(b: PodBench): void {
  describe("what a pod shares and decides", { skip: b.c.skip }, () => {
    test("shares process ids where that is asked for", async () => {
      await b.create("--share", "net,pid", "seen");
      await b.member("seen", "one", "sleep", "1234");
      await b.member("seen", "two", "sleep", "1000");
      assert.equal(await b.namespace("one", "pid"), await b.namespace("two", "pid"));
      assert.notEqual(await b.namespace("one", "uts"), await b.namespace("two", "uts"));
      const seen = await b.ok("exec", "two", "sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '");
      assert.match(seen, /sleep 1234/);
      await b.ok("pod", "rm", "-f", "seen");
    });

    test("is made by the container that asks for a new one, and decides alone what it shares", async () => {
      const script = "hostname; cat /sys/class/net/lo/operstate";
      assert.match(await b.ok("run", "--pod", "new:made", "--name", "one", "host", "sh", "-c", script), /^made\n/);
      b.pods.push(await b.ok("pod", "ps", "-q", "--no-trunc"));
      for (const flags of [
        ["-p", "80:80"],
        ["--hostname", "x"],
        ["--add-host", "x:10.0.0.1"],
        ["--network", "host"],
        ["--network", "none"],
      ]) {
        assert.match(await b.refused("create", "--pod", "made", ...flags, "host", "true"), /is the pod's to decide/);
      }
      assert.match(await b.refused("create", "--pod", "none", "host", "true"), /No such pod: none/);
      assert.equal((await b.c.fixture.orlop(["pod", "exists", "none"])).exitCode, 1);
      await b.ok("pod", "exists", "made");
      await b.ok("pod", "prune", "-f");
      assert.equal(await b.ok("ps", "-aq"), "");
    });

    test("whose container has failed to start is there, and says which one it was", async () => {
      await b.create("bad");
      await b.ok("create", ...b.c.fixture.idFlags(), "--pod", "bad", "--name", "gone", "host", "no-such-program");
      assert.match(await b.refused("pod", "start", "bad"), /container "gone": .*no-such-program/);
      await b.ok("pod", "rm", "bad");
    });
  });
}

const DOCUMENT = `
apiVersion: v1
kind: ConfigMap
metadata: {name: conf}
data: {greeting: hello, motd: "welcome\\n"}
---
apiVersion: v1
kind: Secret
metadata: {name: sec}
stringData: {password: s3cret}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: kept}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Ki}}}
---
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  restartPolicy: Never
  initContainers:
    - name: first
      image: host
      command: [sh, -c, "echo $(GREETING) > /tmp/orlop-pod-shared/note; echo kept >> /tmp/orlop-pod-kept/note"]
      env: [{name: GREETING, valueFrom: {configMapKeyRef: {name: conf, key: greeting}}}]
      volumeMounts: [{name: shared, mountPath: /tmp/orlop-pod-shared}, {name: kept, mountPath: /tmp/orlop-pod-kept}]
  containers:
    - name: main
      image: host
      command: [sh, -c]
      args: ["cat /tmp/orlop-pod-shared/note /tmp/orlop-pod-conf/motd /tmp/orlop-pod-sec/password /tmp/orlop-pod-kept/note; touch /tmp/orlop-pod-conf/x || echo; hostname"]
      volumeMounts:
        - {name: shared, mountPath: /tmp/orlop-pod-shared, readOnly: true}
        - {name: conf, mountPath: /tmp/orlop-pod-conf}
        - {name: sec, mountPath: /tmp/orlop-pod-sec}
        - {name: kept, mountPath: /tmp/orlop-pod-kept}
  volumes:
    - {name: shared, emptyDir: {}}
    - {name: conf, configMap: {name: conf}}
    - {name: sec, secret: {secretName: sec}}
    - {name: kept, persistentVolumeClaim: {claimName: kept}}
`;

function documentCases(b: PodBench): void {
  describe("a document of Kubernetes", { skip: b.c.skip }, () => {
    test("becomes a pod that runs, written back as what makes the same once more", async () => {
      const played = await b.ok("play", "kube", "--network", "none", b.file());
      assert.match(played, /^Volumes:\nkept\n\nPod:\n[0-9a-f]{64}\nContainers:\n[0-9a-f]{64}\n[0-9a-f]{64}$/);
      await b.noted();
      assert.equal(await b.ok("wait", "web-main"), "0");
      const said = "hello\nwelcome\ns3cretkept\n\nweb";
      assert.equal(await b.ok("logs", "web-main"), said);
      assert.equal(await b.ok("pod", "ps", "--format", "{{.Status}}"), "Exited");
      assert.match(await b.refused("play", "kube", "--network", "none", b.file()), /there is a pod of that name/);
      const text = await b.ok("generate", "kube", "web");
      await b.ok("pod", "rm", "web");
      writeFileSync(b.c.place("again.yaml"), text);
      await b.ok("kube", "play", "--network", "none", b.c.place("again.yaml"));
      await b.noted();
      assert.equal(await b.ok("wait", "web-main"), "0");
      assert.equal(await b.ok("logs", "web-main"), said.replace("kept", "kept\nkept"));
      assert.match(await b.ok("kube", "down", b.file()), /^Pods stopped:\n[0-9a-f]{64}\nPods removed:\n[0-9a-f]{64}$/);
      assert.equal(await b.ok("ps", "-aq"), "");
      assert.equal(await b.ok("volume", "ls", "-q"), "kept");
      const forced = await b.ok("play", "kube", "--down", "--force", b.file());
      assert.equal(forced, "Pods stopped:\nPods removed:\nVolumes removed:\nkept");
      assert.equal(await b.ok("volume", "ls", "-q"), "");
      assert.match(await b.refused("play", "kube", "--force", b.file()), /--force goes with --down/);
    });

    test("is written of a pod of the command line, and makes the same containers", async () => {
      await b.create("hand", "--hostname", "front", "--add-host", "db:10.0.0.9", "--label", "a=b");
      const script = "echo $VALUE; hostname; pwd";
      const words = ["--pod", "hand", "--name", "hand-main", "-e", "VALUE=$(x)", "-w", "/usr", "--cap-drop", "ALL"];
      await b.ok("create", ...b.c.fixture.idFlags(), ...words, "host", "sh", "-c", script);
      const { exitCode, stdout, stderr } = await b.c.fixture.orlop(["generate", "kube", "hand"]);
      assert.deepEqual(
        [exitCode, stderr],
        [0, 'orlop: warning: not in the document: pod "hand": --exit-policy continue\n'],
      );
      const shape =
        "{{json .Config.Env}}{{json .Config.WorkingDir}}{{json .HostConfig.CapDrop}}{{.Path}}{{.Args}}{{.Config.Hostname}}";
      const before = await b.ok("inspect", "-f", shape, "hand-main");
      const { exitCode: code, stderr: said } = await b.c.fixture.orlop(["play", "kube", "--replace", "-"], {
        input: stdout,
      });
      assert.equal(code, 0, said);
      await b.noted();
      assert.equal(await b.ok("inspect", "-f", shape, "hand-main"), before);
      assert.equal(await b.ok("wait", "hand-main"), "0");
      assert.equal(await b.ok("logs", "hand-main"), "$(x)\nfront\n/usr");
      await b.ok("pod", "rm", "-f", "hand");
    });
  });
}

function hostDocumentCases(b: PodBench): void {
  describe("a document of Kubernetes", { skip: b.c.skip }, () => {
    test("has this machine's namespaces, and is written so again", async () => {
      const own = readlinkSync("/proc/self/ns/ipc");
      const document = (spec: string): string =>
        `{apiVersion: v1, kind: Pod, metadata: {name: open}, spec: {${spec}, restartPolicy: Never, ` +
        "containers: [{name: main, image: host, command: [readlink, /proc/self/ns/ipc, /proc/self/ns/pid]}]}}";
      const users = process.getuid?.() === 0;
      writeFileSync(b.c.place("ipc.yaml"), document(`hostIPC: true, hostUsers: ${users}`));
      await b.ok("play", "kube", "--network", "none", b.c.place("ipc.yaml"));
      await b.noted();
      assert.equal(await b.ok("wait", "open-main"), "0");
      const [ipc, pid] = (await b.ok("logs", "open-main")).split("\n");
      assert.deepEqual([ipc, pid === readlinkSync("/proc/self/ns/pid")], [own, false]);
      await b.ok("pod", "rm", "-f", "open");
      writeFileSync(b.c.place("users.yaml"), document(`hostUsers: ${!users}`));
      assert.match(await b.refused("play", "kube", b.c.place("users.yaml")), /hostUsers is (true|false), and /);
      assert.equal(await b.ok("pod", "ps", "-q"), "");

      writeFileSync(b.c.place("pid.yaml"), document("hostPID: true"));
      const played = await b.c.fixture.orlop(["play", "kube", "--network", "none", b.c.place("pid.yaml")]);
      if (played.exitCode !== 0) assert.match(played.stderr, /without a cgroup/, "an ordinary user may have none");
      else {
        await b.noted();
        assert.equal(await b.ok("wait", "open-main"), "0");
        assert.equal((await b.ok("logs", "open-main")).split("\n")[1], readlinkSync("/proc/self/ns/pid"));
        await b.ok("pod", "rm", "-f", "open");
      }

      await b.create("hand", "--share", "net,uts");
      const ids = b.c.fixture.idFlags();
      await b.ok("create", ...ids, "--pod", "hand", "--ipc", "host", "--name", "hand-main", "host", "true");
      assert.match(await b.ok("generate", "kube", "hand"), /^ {2}hostIPC: true$/m);
      await b.ok("pod", "rm", "-f", "hand");
    });
  });
}

function refusalCases(b: PodBench): void {
  describe("what a document says and is not done", { skip: b.c.skip }, () => {
    test("is refused by its path, and nothing is made", async () => {
      writeFileSync(
        b.c.place("bad.yaml"),
        DOCUMENT.replace("image: host", "image: host\n      lifecycle: {preStop: {}, x: y}"),
      );
      assert.match(
        await b.refused("play", "kube", b.c.place("bad.yaml")),
        /Cannot play "spec\.initContainers\[0\]\.lifecycle": nothing is called/,
      );
      assert.equal(await b.ok("volume", "ls", "-q"), "");
      assert.equal(await b.ok("pod", "ps", "-q"), "");
    });
  });
}

function leftoverCase(b: PodBench): void {
  test("no pod is left, and nothing that held one", { skip: b.c.skip }, async () => {
    await b.ok("pod", "rm", "-fa");
    assert.equal(await b.ok("ps", "-aq"), "");
    const ids = b.pods.filter((id) => id !== "");
    assert.ok(ids.length >= 5, ids.join());
    const mentions = (text: string): boolean => ids.some((id) => text.includes(id));
    assert.equal(mentions(readFileSync("/proc/self/mountinfo", "utf8")), false);
    for (const name of ["pods", "containers"])
      assert.equal(readdirSync(join(b.c.stateDirectory, name)).some(mentions), false);
    assert.deepEqual(readdirSync(join(b.c.fixture.store, "pods")), []);
  });
}
