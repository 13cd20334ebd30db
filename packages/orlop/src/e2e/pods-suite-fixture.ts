import assert from "node:assert/strict";
import { readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { SuiteContext, type SuiteOptions } from "./suite-context-fixture.ts";

/** Pods, by the command alone: what their containers share, how long, and what is left of them. */
export function podsSuite(options: SuiteOptions): void {
  const c = new SuiteContext(options);
  const pods: string[] = [];
  const ok = async (...args: readonly string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await c.fixture.orlop(args);
    assert.equal(exitCode, 0, `orlop ${args.join(" ")}: ${stderr}`);
    return stdout.trim();
  };
  const create = async (...args: readonly string[]): Promise<string> => {
    const id = await ok("pod", "create", ...args);
    pods.push(id);
    return id;
  };
  const member = (pod: string, name: string, ...words: readonly string[]): Promise<string> =>
    ok("run", "-d", ...c.fixture.idFlags(), "--pod", pod, "--name", name, "host", ...words);
  const namespace = async (container: string, type: string): Promise<string> =>
    await ok("exec", container, "readlink", `/proc/self/ns/${type}`);
  const refused = async (...args: readonly string[]): Promise<string> => {
    const { exitCode, stderr } = await c.fixture.orlop(args);
    assert.notEqual(exitCode, 0, `orlop ${args.join(" ")}`);
    return stderr;
  };

  describe("a pod", { skip: c.skip }, () => {
    test("has containers that share network, host name, IPC and memory, and nothing else", async () => {
      const id = await create("shared", "--sysctl", "net.ipv4.ip_unprivileged_port_start=7");
      await member("shared", "one", "sleep", "1000");
      await member("shared", "two", "sleep", "1000");
      for (const type of ["net", "uts", "ipc"]) {
        assert.equal(await namespace("one", type), await namespace("two", type), type);
        assert.notEqual(await namespace("one", type), readlinkSync(`/proc/self/ns/${type}`), type);
      }
      for (const type of ["pid", "mnt"]) assert.notEqual(await namespace("one", type), await namespace("two", type));
      await ok("exec", "one", "sh", "-c", "echo from one > /dev/shm/note");
      assert.equal(await ok("exec", "two", "cat", "/dev/shm/note"), "from one");
      assert.equal(await ok("exec", "two", "hostname"), "shared");
      assert.match(await ok("exec", "one", "cat", "/etc/hosts"), /\tone two$/m);
      assert.equal(await ok("exec", "one", "cat", "/proc/sys/net/ipv4/ip_unprivileged_port_start"), "7");
      const row = await ok("pod", "ps", "--format", "{{.Id}} {{.Name}} {{.Status}} {{.NumberOfContainers}}");
      assert.equal(row, `${id.slice(0, 12)} shared Running 2`);
    });

    test("keeps what they share while none of them runs, and makes it anew after a stop", async () => {
      const before = await namespace("one", "net");
      await ok("stop", "-t", "0", "one", "two");
      await ok("start", "two");
      assert.equal(await namespace("two", "net"), before);
      assert.equal(await ok("pod", "ps", "--format", "{{.Status}}"), "Degraded");
      await ok("pod", "stop", "-t", "0", "shared");
      assert.equal(await ok("pod", "ps", "--format", "{{.Status}}"), "Exited");
      await ok("pod", "start", "shared");
      assert.equal(await namespace("one", "net"), await namespace("two", "net"));
      await ok("pod", "restart", "-t", "0", "shared");
      assert.match(await ok("pod", "top", "shared"), /sleep 1000\n.*sleep 1000/);
      assert.match(await refused("pod", "rm", "shared"), /its containers one, two run/);
      await ok("pod", "rm", "-f", "shared");
      assert.equal(await ok("ps", "-aq"), "");
    });

    test("shares process ids where that is asked for", async () => {
      await create("--share", "net,pid", "seen");
      await member("seen", "one", "sleep", "1234");
      await member("seen", "two", "sleep", "1000");
      assert.equal(await namespace("one", "pid"), await namespace("two", "pid"));
      assert.notEqual(await namespace("one", "uts"), await namespace("two", "uts"));
      const seen = await ok("exec", "two", "sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '");
      assert.match(seen, /sleep 1234/);
      await ok("pod", "rm", "-f", "seen");
    });

    test("is made by the container that asks for a new one, and decides alone what it shares", async () => {
      const script = "hostname; cat /sys/class/net/lo/operstate";
      assert.match(await ok("run", "--pod", "new:made", "--name", "one", "host", "sh", "-c", script), /^made\n/);
      pods.push(await ok("pod", "ps", "-q", "--no-trunc"));
      for (const flags of [
        ["-p", "80:80"],
        ["--hostname", "x"],
        ["--add-host", "x:10.0.0.1"],
        ["--network", "host"],
      ]) {
        assert.match(await refused("create", "--pod", "made", ...flags, "host", "true"), /is the pod's to decide/);
      }
      assert.match(await refused("create", "--pod", "none", "host", "true"), /No such pod: none/);
      assert.equal((await c.fixture.orlop(["pod", "exists", "none"])).exitCode, 1);
      await ok("pod", "exists", "made");
      await ok("pod", "prune", "-f");
      assert.equal(await ok("ps", "-aq"), "");
    });

    test("whose container has failed to start is there, and says which one it was", async () => {
      await create("bad");
      await ok("create", ...c.fixture.idFlags(), "--pod", "bad", "--name", "gone", "host", "no-such-program");
      assert.match(await refused("pod", "start", "bad"), /container "gone": .*no-such-program/);
      await ok("pod", "rm", "bad");
    });
  });

  describe("a document of Kubernetes", { skip: c.skip }, () => {
    const document = `
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
      command: [sh, -c, "echo $(GREETING) > /tmp/shared/note; echo kept >> /tmp/kept/note"]
      env: [{name: GREETING, valueFrom: {configMapKeyRef: {name: conf, key: greeting}}}]
      volumeMounts: [{name: shared, mountPath: /tmp/shared}, {name: kept, mountPath: /tmp/kept}]
  containers:
    - name: main
      image: host
      command: [sh, -c]
      args: ["cat /tmp/shared/note /tmp/conf/motd /tmp/sec/password /tmp/kept/note; touch /tmp/conf/x || echo; hostname"]
      volumeMounts:
        - {name: shared, mountPath: /tmp/shared, readOnly: true}
        - {name: conf, mountPath: /tmp/conf}
        - {name: sec, mountPath: /tmp/sec}
        - {name: kept, mountPath: /tmp/kept}
  volumes:
    - {name: shared, emptyDir: {}}
    - {name: conf, configMap: {name: conf}}
    - {name: sec, secret: {secretName: sec}}
    - {name: kept, persistentVolumeClaim: {claimName: kept}}
`;
    const file = (): string => {
      writeFileSync(c.place("web.yaml"), document);
      return c.place("web.yaml");
    };
    const noted = async (): Promise<void> => {
      pods.push(...(await ok("pod", "ps", "-q", "--no-trunc")).split("\n"));
    };

    test("becomes a pod that runs, written back as what makes the same once more", async () => {
      const played = await ok("play", "kube", "--network", "none", file());
      assert.match(played, /^Volumes:\nkept\n\nPod:\n[0-9a-f]{64}\nContainers:\n[0-9a-f]{64}\n[0-9a-f]{64}$/);
      await noted();
      assert.equal(await ok("wait", "web-main"), "0");
      const said = "hello\nwelcome\ns3cretkept\n\nweb";
      assert.equal(await ok("logs", "web-main"), said);
      assert.equal(await ok("pod", "ps", "--format", "{{.Status}}"), "Exited");
      assert.match(await refused("play", "kube", "--network", "none", file()), /there is a pod of that name/);
      const text = await ok("generate", "kube", "web");
      await ok("pod", "rm", "web");
      writeFileSync(c.place("again.yaml"), text);
      await ok("kube", "play", "--network", "none", c.place("again.yaml"));
      await noted();
      assert.equal(await ok("wait", "web-main"), "0");
      assert.equal(await ok("logs", "web-main"), said.replace("kept", "kept\nkept"));
      assert.match(await ok("kube", "down", file()), /^Pods stopped:\n[0-9a-f]{64}\nPods removed:\n[0-9a-f]{64}$/);
      assert.equal(await ok("ps", "-aq"), "");
      await ok("volume", "rm", "kept");
    });

    test("is written of a pod of the command line, and makes the same containers", async () => {
      await create("hand", "--hostname", "front", "--add-host", "db:10.0.0.9", "--label", "a=b");
      const script = "echo $VALUE; hostname; pwd";
      const words = ["--pod", "hand", "--name", "hand-main", "-e", "VALUE=$(x)", "-w", "/usr", "--cap-drop", "ALL"];
      await ok("create", ...c.fixture.idFlags(), ...words, "host", "sh", "-c", script);
      const { exitCode, stdout, stderr } = await c.fixture.orlop(["generate", "kube", "hand"]);
      assert.deepEqual(
        [exitCode, stderr],
        [0, 'orlop: warning: not in the document: pod "hand": --exit-policy continue\n'],
      );
      const shape =
        "{{json .Config.Env}}{{json .Config.WorkingDir}}{{json .HostConfig.CapDrop}}{{.Path}}{{.Args}}{{.Config.Hostname}}";
      const before = await ok("inspect", "-f", shape, "hand-main");
      const { exitCode: code, stderr: said } = await c.fixture.orlop(["play", "kube", "--replace", "-"], {
        input: stdout,
      });
      assert.equal(code, 0, said);
      await noted();
      assert.equal(await ok("inspect", "-f", shape, "hand-main"), before);
      assert.equal(await ok("wait", "hand-main"), "0");
      assert.equal(await ok("logs", "hand-main"), "$(x)\nfront\n/usr");
      await ok("pod", "rm", "-f", "hand");
    });

    test("is refused by the path of what is not done, and nothing is made", async () => {
      writeFileSync(
        c.place("bad.yaml"),
        document.replace("image: host", "image: host\n      lifecycle: {preStop: {}, x: y}"),
      );
      assert.match(
        await refused("play", "kube", c.place("bad.yaml")),
        /Cannot play "spec\.initContainers\[0\]\.lifecycle": nothing is called/,
      );
      assert.equal(await ok("volume", "ls", "-q"), "");
      assert.equal(await ok("pod", "ps", "-q"), "");
    });
  });

  test("no pod is left, and nothing that held one", { skip: c.skip }, async () => {
    await ok("pod", "rm", "-fa");
    assert.equal(await ok("ps", "-aq"), "");
    const ids = pods.filter((id) => id !== "");
    assert.ok(ids.length >= 5, ids.join());
    const mentions = (text: string): boolean => ids.some((id) => text.includes(id));
    assert.equal(mentions(readFileSync("/proc/self/mountinfo", "utf8")), false);
    for (const name of ["pods", "containers"])
      assert.equal(readdirSync(join(c.stateDirectory, name)).some(mentions), false);
    assert.deepEqual(readdirSync(join(c.fixture.store, "pods")), []);
  });
  c.testLeftovers();
}
