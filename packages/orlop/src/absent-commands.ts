const ARTIFACTS = "artifacts are pulled and pushed as images are\nTry orlop pull, orlop image inspect and orlop push.";
const BUILD =
  "images are not built here yet\nTry buildah build, and orlop load or orlop pull; or orlop run and orlop commit.";
const CLEANUP = "nothing is left of a container that has ended but its files\nTry orlop rm.";
const COMPOSE = "services are not described here\nTry orlop play kube, or unit files by orlop quadlet.";
const SWARM = "orlop is for one machine\nTry Kubernetes.";
const CONTEXT = "there are no others to choose from\nORLOP_ROOT names another directory of images and containers.";
const MOUNT = "nothing is mounted on this machine for a container\nTry orlop cp, orlop export or orlop diff.";
const SIGNED = "images are not signed here\nTry cosign or skopeo; policy.json decides what is pulled.";
const SECRETS = "secrets are not kept\nTry -v FILE:/run/secrets/NAME:ro, orlop play kube or the library's secrets.";

/** Commands of docker's and podman's that orlop does not have: why, and what there is instead. */
const ABSENT: Readonly<Record<string, string>> = {
  artifact: ARTIFACTS,
  "auto-update":
    "nobody looks for new images by himself\nTry orlop pull and orlop rm, or systemctl restart of a unit with --pull newer.",
  build: BUILD,
  builder: BUILD,
  buildx: BUILD,
  "image build": BUILD,
  compose: COMPOSE,
  config: SWARM,
  context: CONTEXT,
  farm: BUILD,
  machine: "containers run on this machine itself, which has to be Linux",
  manifest:
    "lists of manifests are not made here\nTry skopeo copy --all, or orlop pull --all-platforms and orlop push.",
  node: SWARM,
  plugin:
    "there are no plug-ins of docker's\nSnapshotters of others are chosen by ORLOP_SNAPSHOTTER, runtimes by --runtime.",
  secret: SECRETS,
  service: SWARM,
  stack: SWARM,
  swarm: SWARM,
  trust: SIGNED,
  mount: MOUNT,
  unmount: MOUNT,
  umount: MOUNT,
  "container mount": MOUNT,
  "container unmount": MOUNT,
  "image mount": MOUNT,
  "image unmount": MOUNT,
  "image search":
    "registries have no common way to be searched\nTry the web page of the registry, and orlop pull with the full name.",
  "image sign": SIGNED,
  "image trust": SIGNED,
  "image scp": "images are not copied to other machines\nTry orlop save, ssh and orlop load.",
  "image tree": "layers are not shown as a tree\nTry orlop history.",
  "image untag": "a name is taken from an image by orlop rmi, which removes the image with its last name",
  untag: "a name is taken from an image by orlop rmi, which removes the image with its last name",
  init: "what a container needs is made when it is started\nTry orlop start.",
  "container init": "what a container needs is made when it is started\nTry orlop start.",
  cleanup: CLEANUP,
  "container cleanup": CLEANUP,
  "container clone": "a container is not made from another one\nTry orlop commit, and orlop run.",
  "container runlabel": "what an image's labels say is not executed\nTry orlop inspect, and orlop run.",
  runlabel: "what an image's labels say is not executed\nTry orlop inspect, and orlop run.",
  "generate spec": "no document has all flags of a container\nTry orlop generate kube or orlop inspect.",
  "network reload": "rules that somebody has taken away are made again by the next command that connects a container",
  "pod clone": "a pod is not made from another one\nTry orlop generate kube, and orlop play kube.",
  "system connection": CONTEXT,
  "system migrate": "each version of orlop brings what there is to its own form by itself",
  "system renumber": "locks have no numbers",
  "system reset":
    "not everything is removed at once\nTry orlop rm -fa, orlop system prune -a --volumes and orlop network prune.",
  "system service":
    "there is no server of docker's or podman's interface yet\nTry orlop serve engine, for orlop's own commands.",
  unshare:
    "the user namespace of an ordinary user's containers is each container's own\nTry orlop run --rm -v or orlop cp.",
  "volume export": "volumes are not archived by themselves\nTry orlop run --rm -v NAME:/v IMAGE tar -c -C /v .",
  "volume import": "volumes are not archived by themselves\nTry orlop run --rm -i -v NAME:/v IMAGE tar -x -C /v",
  "volume mount": MOUNT,
  "volume unmount": MOUNT,
  "volume reload": "there are no plug-ins of volumes",
  "volume update": SWARM,
};

/** Why there is no such command, of those that people know from elsewhere. */
export function whyAbsent(path: string): string | undefined {
  return Object.hasOwn(ABSENT, path) ? ABSENT[path] : undefined;
}
