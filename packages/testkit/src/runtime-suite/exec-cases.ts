import assert from "node:assert/strict";
import { constants } from "node:os";
import { untilTerm } from "./life-cycle-cases.ts";
import type { RuntimeSuiteCase } from "./suite-case.ts";

const { SIGKILL, SIGTERM } = constants.signals;

/** Further processes of a running container. */
export const execCases: readonly RuntimeSuiteCase[] = [
  {
    title: "executes a further process in the container's namespaces and reports its exit code",
    needs: "exec",
    async check(bench) {
      const id = await bench.start(`hostname; readlink /proc/self/ns/mnt; ${untilTerm}`);
      await bench.outputHas(id, "ready");
      const request = bench.execRequest(
        id,
        "first",
        "hostname; readlink /proc/self/ns/mnt; echo complaint >&2; exit 6",
      );
      await bench.runtime.exec(request);
      const exit = await bench.runtime.wait(id, { execId: "first" });
      assert.deepEqual([exit.exitCode, exit.signal], [6, undefined]);
      assert.equal(`${bench.output("first")}ready\n`, bench.output(id));
      assert.equal(bench.output("first", "err"), "complaint\n");
      assert.equal((await bench.runtime.state(id)).status, "running");
      await bench.end(id);
    },
  },
  {
    title: "gives an exec the user, directory and environment that it asks for",
    needs: "exec",
    async check(bench) {
      const id = await bench.start(untilTerm);
      const request = bench.execRequest(id, "as", 'id -u; id -g; id -G; pwd; echo "$COLOUR"');
      const process = {
        ...request.process,
        user: { uid: 1000, gid: 1000, additionalGids: [2000] },
        cwd: "/tmp",
        env: ["PATH=/bin", "COLOUR=green"],
      };
      await bench.runtime.exec({ ...request, process });
      assert.equal((await bench.runtime.wait(id, { execId: "as" })).exitCode, 0);
      assert.equal(bench.output("as"), "1000\n1000\n1000 2000\n/tmp\ngreen\n");
      await bench.end(id);
    },
  },
  {
    title: "gives an exec the umask that it asks for",
    needs: "exec",
    async check(bench) {
      const id = await bench.start(untilTerm);
      const request = bench.execRequest(id, "masked", "umask");
      await bench.runtime.exec({ ...request, process: { ...request.process, user: { uid: 0, gid: 0, umask: 0o027 } } });
      assert.equal((await bench.runtime.wait(id, { execId: "masked" })).exitCode, 0);
      assert.equal(bench.output("masked"), "0027\n");
      await bench.end(id);
    },
  },
  {
    title: "runs execs side by side and signals one of them",
    needs: "exec",
    async check(bench) {
      const id = await bench.start(untilTerm);
      await bench.runtime.exec(bench.execRequest(id, "one", untilTerm));
      await bench.runtime.exec(bench.execRequest(id, "two", untilTerm));
      await bench.outputHas("one", "ready");
      await bench.outputHas("two", "ready");
      await bench.runtime.signal(id, SIGTERM, { execId: "one" });
      assert.equal((await bench.runtime.wait(id, { execId: "one" })).exitCode, 9);
      await bench.runtime.signal(id, SIGKILL, { execId: "two" });
      const { exitCode, signal } = await bench.runtime.wait(id, { execId: "two" });
      assert.deepEqual([exitCode, signal], [128 + SIGKILL, SIGKILL]);
      await bench.end(id);
    },
  },
  {
    title: "ends an exec together with its container",
    needs: "exec",
    async check(bench) {
      const id = await bench.start(untilTerm);
      await bench.runtime.exec(bench.execRequest(id, "long", "sleep 1000"));
      const waiting = bench.runtime.wait(id, { execId: "long" });
      await bench.runtime.signal(id, SIGKILL);
      assert.equal((await waiting).signal, SIGKILL);
      await bench.runtime.wait(id);
      await bench.runtime.delete(id);
    },
  },
  {
    title: "refuses an exec whose id is taken, unknown execs, and execs outside a running container",
    needs: "exec",
    async check(bench) {
      const { runtime } = bench;
      const created = bench.request(untilTerm);
      await runtime.create(created);
      const { id } = created;
      await assert.rejects(runtime.exec(bench.execRequest(id, "early", "true")), { code: "conflict" });
      await runtime.start(id);
      await runtime.exec(bench.execRequest(id, "taken", "sleep 1000"));
      await assert.rejects(runtime.exec(bench.execRequest(id, "taken", "true")), { code: "exists" });
      await assert.rejects(runtime.wait(id, { execId: "unknown" }), { code: "not-found" });
      await assert.rejects(runtime.signal(id, SIGTERM, { execId: "unknown" }), { code: "not-found" });
      await runtime.signal(id, SIGKILL);
      await runtime.wait(id);
      await assert.rejects(runtime.exec(bench.execRequest(id, "late", "true")), { code: "conflict" });
      await runtime.delete(id);
      await assert.rejects(runtime.exec(bench.execRequest(id, "never", "true")), { code: "not-found" });
    },
  },
  {
    title: "tells a missing program from one that cannot be executed, and keeps the container running",
    needs: "exec",
    async check(bench) {
      const id = await bench.start(untilTerm);
      const execute = (execId: string, program: string): Promise<unknown> => {
        const request = bench.execRequest(id, execId, "");
        return bench.runtime.exec({ ...request, process: { ...request.process, args: [program] } });
      };
      await assert.rejects(execute("missing", "/no/such/program"), { code: "executable-not-found" });
      await assert.rejects(execute("nowhere", "no-such-program"), { code: "executable-not-found" });
      await assert.rejects(execute("refused", "/etc/passwd"), { code: "executable-refused" });
      assert.equal((await bench.runtime.state(id)).status, "running");
      await bench.end(id);
    },
  },
  {
    title: "refuses every method of execs when it has none",
    async check(bench, { exec }) {
      if (exec) return;
      const id = await bench.start(untilTerm);
      await assert.rejects(bench.runtime.exec(bench.execRequest(id, "any", "true")), { code: "unsupported" });
      await bench.end(id);
    },
  },
];
