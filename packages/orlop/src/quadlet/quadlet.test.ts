import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { type TemporaryDirectory, temporaryDirectory } from "@orlop/testkit";
import { findUnitFiles, unitDirectories } from "./find-unit-files.ts";
import { type MadeServices, makeServices } from "./make-services.ts";
import { parseUnitFile } from "./unit-file.ts";
import { splitWords } from "./unit-words.ts";
import { writeServices } from "./write-services.ts";

const AROUND = { program: "/usr/bin/orlop", environment: {}, isOfUser: false };

function write(place: TemporaryDirectory, files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(place.path, name)), { recursive: true });
    writeFileSync(join(place.path, name), text);
  }
}

function made(files: Readonly<Record<string, string>>, isOfUser = false): MadeServices {
  using place = temporaryDirectory("orlop-quadlet-");
  write(place, files);
  const { services, problems } = makeServices(findUnitFiles([place.path]), { ...AROUND, isOfUser });
  const anywhere = (text: string): string => text.replaceAll(place.path, "/units");
  return {
    services: services.map((each) => ({ ...each, text: anywhere(each.text) })),
    problems: problems.map(anywhere),
  };
}

/** Values of a key in the service of that name. */
function lines({ services, problems }: MadeServices, name: string, key: string): readonly string[] {
  const text = services.find((service) => service.name === name)?.text;
  assert.ok(text, problems.join("\n"));
  return text.split("\n").flatMap((line) => (line.startsWith(`${key}=`) ? [line.slice(key.length + 1)] : []));
}

describe("a unit file of quadlet's", () => {
  test("becomes a service that runs the container in the foreground", () => {
    const all = made({
      "web.container": `# a comment
[Unit]
Description=The web
[Container]
Image=example/web:1
Environment=A=1 "B=two words" \\
  C=%n
EnvironmentFile=env
PublishPort=8080:80
PublishPort=8443:443
ReadOnly=yes
User=1000
Group=100
NoNewPrivileges=true
Volume=./conf:/etc/conf:ro
Exec=serve --title "the web" $HOME
ReloadSignal=HUP
[Service]
Restart=always
[Install]
WantedBy=multi-user.target
`,
    });
    assert.deepEqual(all.problems, []);
    assert.deepEqual(lines(all, "web.service", "ExecStart"), [
      '/usr/bin/orlop run --rm --name systemd-web --env=A=1 "--env=B=two words" --env=C=%n --env-file=/units/env ' +
        "--publish=8080:80 --publish=8443:443 --read-only --user=1000:100 --security-opt=no-new-privileges " +
        '--volume=/units/conf:/etc/conf:ro -- example/web:1 serve --title "the web" $HOME',
    ]);
    assert.deepEqual(lines(all, "web.service", "ExecReload"), ["/usr/bin/orlop kill --signal HUP systemd-web"]);
    assert.deepEqual(lines(all, "web.service", "Description"), ["The web"]);
    assert.deepEqual(lines(all, "web.service", "Restart"), ["always"]);
    assert.deepEqual(lines(all, "web.service", "After"), ["network-online.target"]);
    assert.deepEqual(lines(all, "web.service", "WantedBy"), ["multi-user.target"]);
  });

  test("names the filter of system calls by a path, or has none", () => {
    const filtered = (value: string): readonly string[] =>
      lines(made({ "a.container": `[Container]\nImage=a\nSeccompProfile=${value}\n` }), "a.service", "ExecStart");
    const run = "/usr/bin/orlop run --rm --name systemd-a --security-opt=seccomp=";
    assert.deepEqual(filtered("calls.json"), [`${run}/units/calls.json -- a`]);
    assert.deepEqual(filtered("/etc/calls.json"), [`${run}/etc/calls.json -- a`]);
    assert.deepEqual(filtered("unconfined"), [`${run}unconfined -- a`]);
  });

  test("needs the services of what it names", () => {
    const all = made({
      "app.image": "[Image]\nImage=example/app\nArch=arm64\nOS=linux\n",
      "data.volume": "[Volume]\nVolumeName=the-data\n",
      "back.network": "[Network]\nSubnet=10.9.0.0/24\nNetworkDeleteOnStop=yes\n",
      "group.pod": "[Pod]\nPublishPort=80:80\nNetwork=back.network\n",
      "one.container": "[Container]\nImage=app.image\nPod=group.pod\nVolume=data.volume:/data\n",
      "two.container": "[Unit]\nAfter=one.container\n[Container]\nImage=x\nNetwork=one.container\nStartWithPod=no\n",
      "docs.kube": "[Kube]\nYaml=docs.yaml\nNetwork=back.network\n",
    });
    assert.deepEqual(all.problems, []);
    assert.deepEqual(
      all.services.map(({ name }) => name),
      [
        ...["app-image.service", "back-network.service", "data-volume.service", "docs.service"],
        ...["group-pod.service", "one.service", "two.service"],
      ],
    );
    assert.match(
      lines(all, "one.service", "ExecStart")[0] ?? "",
      / --volume=the-data:\/data --pod=systemd-group -- example\/app$/,
    );
    assert.deepEqual(lines(all, "one.service", "Requires"), [
      "app-image.service",
      "data-volume.service",
      "group-pod.service",
    ]);
    assert.deepEqual(lines(all, "one.service", "BindsTo"), ["group-pod.service"]);
    assert.deepEqual(lines(all, "group-pod.service", "Wants"), ["network-online.target", "one.service"]);
    assert.deepEqual(lines(all, "group-pod.service", "ExecStart"), [
      "/usr/bin/orlop pod create --replace --publish=80:80 --network=systemd-back systemd-group",
    ]);
    assert.match(lines(all, "two.service", "ExecStart")[0] ?? "", /--network=container:systemd-one -- x$/);
    assert.deepEqual(lines(all, "two.service", "After"), ["network-online.target", "one.service", "one.service"]);
    assert.match(
      lines(all, "app-image.service", "ExecStart")[0] ?? "",
      /pull --quiet --platform=linux\/arm64 example\/app$/,
    );
    assert.deepEqual(lines(all, "back-network.service", "ExecStopPost"), ["/usr/bin/orlop network rm systemd-back"]);
    assert.deepEqual(lines(all, "docs.service", "ExecStopPost"), ["/usr/bin/orlop kube down /units/docs.yaml"]);
  });

  test("that says what is not done is refused by key and line, and no other with it", () => {
    const { services, problems } = made({
      "good.container": "[Container]\nImage=x\n",
      "secret.container": "[Container]\nImage=x\n\nSecret=a\n",
      "typo.container": "[Container]\nImages=x\n",
      "none.container": "[Container]\nExec=true\n",
      "lost.container": "[Container]\nImage=x\nNetwork=lost.network\n",
      "user.container": "[Container]\nImage=x\n[Service]\nUser=me\n",
      "noise.container": "Image=x\n",
    });
    assert.deepEqual(
      services.map(({ name }) => name),
      ["good.service"],
    );
    assert.deepEqual(problems, [
      'Cannot read unit file at "/units/noise.container:1": no [SECTION] stands above it',
      'Cannot use "Secret=" at "/units/secret.container:4": there are no secrets: bind a file by Volume=',
      'Cannot use "Images=" at "/units/typo.container:2": there is no such key in [Container]',
      'Cannot use "User=" at "/units/user.container:4": who runs it says the directory of the unit file',
      'Cannot use "Network=" at "/units/lost.container:3": there is no unit file "lost.network"',
      'Cannot use unit file "/units/none.container": it has no Image= in [Container]',
    ]);
  });

  test("is added to by its drop-ins, the particular ones instead of the general, and an empty value takes back", () => {
    const all = made(
      {
        "a-b.container": "[Container]\nImage=x\nLabel=one=1\nDNS=1.1.1.1\n",
        "a-b.container.d/20.conf": "[Container]\nDNS=\nDNS=9.9.9.9\n",
        "a-.container.d/10.conf": "[Container]\nLabel=two=2\n",
        "container.d/10.conf": "[Container]\nLabel=hidden=1\n",
        "below/c.container": "[Container]\nImage=y\n",
      },
      true,
    );
    assert.match(lines(all, "a-b.service", "ExecStart")[0] ?? "", /--dns=9.9.9.9 --label=one=1 --label=two=2 -- x$/);
    assert.deepEqual(lines(all, "a-b.service", "After"), [], "the user's systemd knows nothing of networks");
    assert.equal(lines(all, "c.service", "ExecStart").length, 1);
  });

  test("is looked for where podman looks", () => {
    const env = { XDG_RUNTIME_DIR: "/run/user/7" };
    assert.deepEqual(unitDirectories({ isOfUser: false, uid: 0, home: "/root", env }), [
      ...["/run/containers/systemd", "/etc/containers/systemd", "/usr/share/containers/systemd"],
    ]);
    assert.deepEqual(unitDirectories({ isOfUser: true, uid: 7, home: "/home/me", env }).slice(0, 3), [
      ...["/run/user/7/containers/systemd", "/home/me/.config/containers/systemd", "/etc/containers/systemd/users/7"],
    ]);
    assert.deepEqual(unitDirectories({ isOfUser: true, uid: 7, home: "/", env: { QUADLET_UNIT_DIRS: "/a:/b" } }), [
      ...["/a", "/b"],
    ]);
  });
});

test("services are written with the links that enable them, and go with their unit files", () => {
  using place = temporaryDirectory("orlop-quadlet-");
  const output = join(place.path, "out");
  const install = "[Install]\nWantedBy=multi-user.target\nAlias=also.service\n";
  const files = {
    "units/web.container": `[Container]\nImage=x\n${install}`,
    "units/many@.container":
      "[Container]\nImage=x\nExec=sleep %i\n[Install]\nWantedBy=multi-user.target\nDefaultInstance=5\n",
  };
  write(place, { ...files, "out/mine.service": "[Service]\n" });
  const all = (): MadeServices => makeServices(findUnitFiles([join(place.path, "units")]), AROUND);
  writeServices(output, all().services);
  const wants = join(output, "multi-user.target.wants");
  assert.deepEqual(readdirSync(wants).sort(), ["many@5.service", "web.service"]);
  assert.equal(readlinkSync(join(wants, "many@5.service")), "../many@.service");
  assert.equal(readlinkSync(join(output, "also.service")), "web.service");
  write(place, { "units/web.container": "[Container]\nImage=x\n" });
  writeServices(output, all().services);
  assert.deepEqual(readdirSync(wants), ["many@5.service"]);
  assert.equal(existsSync(join(output, "web.service")), true);
  writeServices(output, []);
  assert.deepEqual(readdirSync(output).sort(), ["mine.service", "multi-user.target.wants"]);
  assert.deepEqual(readdirSync(wants), []);
});

test("values are divided into words as systemd does", () => {
  const words = (value: string): readonly string[] => splitWords({ key: "Exec", value, place: "a:1" });
  assert.deepEqual(words(`a "b c" 'd "e"' f\\sg ""`), ["a", "b c", 'd "e"', "f g", ""]);
  assert.throws(() => words('a "b'), { code: "invalid", message: /"Exec=" at "a:1": a quote is not closed/ });
  const text = "[A]\nk = 1 \\\n# not here\n 2\n";
  const { sections } = parseUnitFile("a.container", "a", [{ path: "a", text }]);
  assert.deepEqual(sections.get("A"), [{ key: "k", value: "1  2", place: "a:2" }]);
});
