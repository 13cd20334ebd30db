// table: the keys of quadlet's unit files, the flags that they become, and why the others are refused

/** What becomes of a key. */
export interface KeyRule {
  /** The flag of the verb that it becomes, and how its values are taken: see `form`. */
  readonly flag?: string;
  /** `each` value is one, its `words` are one each, the `last` counts, or it is a `switch`. */
  readonly form?: "each" | "words" | "last" | "switch";
  /** Stands before the value. */
  readonly prefix?: string;
  /** A relative path in it starts from the directory of the unit file. */
  readonly isPath?: true;
  /** A word that is no path. */
  readonly word?: string;
  /** What becomes of it, if it is no flag of its own. */
  readonly done?: string;
  /** Completes `Cannot use "Key=" at ...: `. */
  readonly refused?: string;
}

type KeyRules = Readonly<Record<string, KeyRule>>;

const each = (flag: string): KeyRule => ({ flag, form: "each" });
const words = (flag: string): KeyRule => ({ flag, form: "words" });
const last = (flag: string): KeyRule => ({ flag, form: "last" });
const on = (flag: string): KeyRule => ({ flag, form: "switch" });
const done = (what: string): KeyRule => ({ done: what });
const refused = (why: string): KeyRule => ({ refused: why });

const users = "user namespaces cannot be chosen";
const seLinux = "SELinux labels are not set";
const modules = "orlop reads no containers.conf";
const retry = "a pull is tried again by itself";
const startup = "say HealthStartPeriod=";
const healthLog = "the last five probes are kept, as orlop inspect shows them";
const global = "flags of orlop stand behind its verbs: say PodmanArgs=";
const options = "a volume is a directory of this machine, and has no options";
const name = done("name of the service, without .service");
const more = done("further flags and words of the verb");

const CONTAINER_KEYS: KeyRules = {
  AddCapability: words("cap-add"),
  AddDevice: each("device"),
  AddHost: each("add-host"),
  Annotation: words("annotation"),
  AppArmor: { ...last("security-opt"), prefix: "apparmor=" },
  AutoUpdate: refused("nobody pulls newer images by himself"),
  CgroupsMode: refused("a container always has a cgroup of its own"),
  ContainerName: done("name of the container (`systemd-` and the name of its service)"),
  ContainersConfModule: refused(modules),
  DNS: each("dns"),
  DNSOption: each("dns-option"),
  DNSSearch: each("dns-search"),
  DropCapability: words("cap-drop"),
  Entrypoint: last("entrypoint"),
  Environment: words("env"),
  EnvironmentFile: { ...each("env-file"), isPath: true },
  EnvironmentHost: on("env-host"),
  Exec: done("words behind the image"),
  ExposeHostPort: each("expose"),
  GIDMap: refused(users),
  GlobalArgs: refused(global),
  Group: done("`--user`, with User="),
  GroupAdd: each("group-add"),
  HealthCmd: last("health-cmd"),
  HealthInterval: last("health-interval"),
  HealthLogDestination: refused(healthLog),
  HealthMaxLogCount: refused(healthLog),
  HealthMaxLogSize: refused(healthLog),
  HealthOnFailure: refused("a container that is unhealthy is left running"),
  HealthRetries: last("health-retries"),
  HealthStartPeriod: last("health-start-period"),
  HealthStartupCmd: refused(startup),
  HealthStartupInterval: refused(startup),
  HealthStartupRetries: refused(startup),
  HealthStartupSuccess: refused(startup),
  HealthStartupTimeout: refused(startup),
  HealthTimeout: last("health-timeout"),
  HostName: last("hostname"),
  HttpProxy: on("http-proxy"),
  IP: last("ip"),
  IP6: last("ip6"),
  Image: done("the image: a name, what else `orlop run` takes, or `NAME.image`"),
  Label: words("label"),
  LogDriver: last("log-driver"),
  LogOpt: each("log-opt"),
  Mask: refused("what is masked cannot be chosen"),
  Memory: last("memory"),
  Mount: each("mount"),
  Network: done("`--network`; `NAME.network` and `NAME.container` are those of these units"),
  NetworkAlias: each("network-alias"),
  NoNewPrivileges: done("`--security-opt no-new-privileges`"),
  Notify: refused("the service is up when its command runs"),
  PidsLimit: last("pids-limit"),
  Pod: done("`--pod`: `NAME.pod`, whose service comes and goes with this one"),
  PodmanArgs: more,
  PublishPort: each("publish"),
  Pull: last("pull"),
  ReadOnly: on("read-only"),
  ReadOnlyTmpfs: on("read-only-tmpfs"),
  ReloadCmd: done("`orlop exec` at a reload of the service"),
  ReloadSignal: done("`orlop kill --signal` at a reload of the service"),
  RemapGid: refused(users),
  RemapUid: refused(users),
  RemapUidSize: refused(users),
  RemapUsers: refused(users),
  Retry: refused(retry),
  RetryDelay: refused(retry),
  Rootfs: done("`dir:PATH:rw` in the place of an image"),
  RunInit: on("init"),
  SeccompProfile: { ...last("security-opt"), prefix: "seccomp=", isPath: true, word: "unconfined" },
  Secret: refused("there are no secrets: bind a file by Volume="),
  SecurityLabelDisable: refused(seLinux),
  SecurityLabelFileType: refused(seLinux),
  SecurityLabelLevel: refused(seLinux),
  SecurityLabelNested: refused(seLinux),
  SecurityLabelType: refused(seLinux),
  ServiceName: name,
  ShmSize: last("shm-size"),
  StartWithPod: done("`no`: the pod's service does not start it"),
  StopSignal: last("stop-signal"),
  StopTimeout: last("stop-timeout"),
  SubGIDMap: refused(users),
  SubUIDMap: refused(users),
  Sysctl: words("sysctl"),
  Timezone: last("tz"),
  Tmpfs: each("tmpfs"),
  UIDMap: refused(users),
  Ulimit: each("ulimit"),
  Unmask: refused("what is masked cannot be chosen"),
  User: done("`--user`, with Group="),
  UserNS: refused(users),
  VolatileTmp: refused("name the directories by Tmpfs="),
  Volume: done("`--volume`; `NAME.volume` is that of this unit, and `./` the directory of the unit file"),
  WorkingDir: last("workdir"),
};

const POD_KEYS: KeyRules = {
  AddHost: each("add-host"),
  ContainersConfModule: refused(modules),
  DNS: each("dns"),
  DNSOption: each("dns-option"),
  DNSSearch: each("dns-search"),
  ExitPolicy: last("exit-policy"),
  GIDMap: refused(users),
  GlobalArgs: refused(global),
  HostName: last("hostname"),
  IP: last("ip"),
  IP6: last("ip6"),
  Label: words("label"),
  Network: done("`--network`; `NAME.network` is that of this unit"),
  NetworkAlias: each("network-alias"),
  PodName: done("name of the pod (`systemd-NAME`)"),
  PodmanArgs: more,
  PublishPort: each("publish"),
  RemapGid: refused(users),
  RemapUid: refused(users),
  RemapUidSize: refused(users),
  RemapUsers: refused(users),
  ServiceName: name,
  ShmSize: last("shm-size"),
  StopTimeout: refused("its containers say how long they may take"),
  SubGIDMap: refused(users),
  SubUIDMap: refused(users),
  UIDMap: refused(users),
  UserNS: refused(users),
  Volume: refused("a pod has no container of its own"),
};

const VOLUME_KEYS: KeyRules = {
  ContainersConfModule: refused(modules),
  Copy: refused("what the image has there is copied into a new volume, always"),
  Device: refused(options),
  Driver: last("driver"),
  GID: refused(options),
  GlobalArgs: refused(global),
  Group: refused(options),
  Image: refused(options),
  Label: words("label"),
  Options: refused(options),
  PodmanArgs: more,
  ServiceName: name,
  Type: refused(options),
  UID: refused(options),
  User: refused(options),
  VolumeName: done("name of the volume (`systemd-NAME`)"),
};

const NETWORK_KEYS: KeyRules = {
  ContainersConfModule: refused(modules),
  DNS: refused("its containers ask this machine's servers; say DNS= of the container"),
  DisableDNS: refused("containers on a network know each other by name"),
  Driver: last("driver"),
  Gateway: each("gateway"),
  GlobalArgs: refused(global),
  IPAMDriver: refused("the driver of the network gives addresses"),
  IPRange: each("ip-range"),
  IPv6: on("ipv6"),
  InterfaceName: refused("the name of the bridge cannot be chosen"),
  Internal: on("internal"),
  Label: words("label"),
  NetworkDeleteOnStop: done("the network goes with the service"),
  NetworkName: done("name of the network (`systemd-NAME`)"),
  Options: each("opt"),
  PodmanArgs: more,
  ServiceName: name,
  Subnet: each("subnet"),
};

const IMAGE_KEYS: KeyRules = {
  AllTags: on("all-tags"),
  Arch: done("`--platform`, with OS= and Variant="),
  AuthFile: { ...last("authfile"), isPath: true },
  CertDir: { ...last("cert-dir"), isPath: true },
  ContainersConfModule: refused(modules),
  Creds: last("creds"),
  DecryptionKey: refused("a key cannot be named here"),
  GlobalArgs: refused(global),
  Image: done("what is pulled"),
  ImageTag: done("name of the image for containers, where Image= is no name of a registry"),
  OS: done("`--platform`, with Arch= and Variant="),
  PodmanArgs: more,
  Policy: refused("a start of the service asks the registry"),
  Retry: refused(retry),
  RetryDelay: refused(retry),
  ServiceName: name,
  TLSVerify: on("tls-verify"),
  Variant: done("`--platform`, with Arch= and OS="),
};

const KUBE_KEYS: KeyRules = {
  AutoUpdate: refused("nobody pulls newer images by himself"),
  ConfigMap: { ...each("configmap"), isPath: true },
  ContainersConfModule: refused(modules),
  ExitCodePropagation: refused("the service does not wait for the containers"),
  GlobalArgs: refused(global),
  KubeDownForce: refused("volumes stay: orlop volume rm removes them"),
  LogDriver: last("log-driver"),
  LogOpt: each("log-opt"),
  Network: done("`--network`; `NAME.network` is that of this unit"),
  PodmanArgs: more,
  PublishPort: refused("say hostPort in the document"),
  RemapGid: refused(users),
  RemapUid: refused(users),
  RemapUidSize: refused(users),
  RemapUsers: refused(users),
  ServiceName: name,
  SetWorkingDirectory: refused("paths of a document are absolute"),
  UserNS: refused(users),
  Yaml: done("the documents; a relative path starts from the directory of the unit file"),
};

export type Kind = "container" | "pod" | "volume" | "network" | "image" | "kube";

/** The section that is quadlet's in unit files of a kind, and how their services and things are called. */
interface KindRules {
  readonly section: string;
  readonly keys: KeyRules;
  readonly suffix: string;
  readonly nameKey?: string;
}

export const KINDS: Readonly<Record<Kind, KindRules>> = {
  container: { section: "Container", keys: CONTAINER_KEYS, suffix: "", nameKey: "ContainerName" },
  pod: { section: "Pod", keys: POD_KEYS, suffix: "-pod", nameKey: "PodName" },
  volume: { section: "Volume", keys: VOLUME_KEYS, suffix: "-volume", nameKey: "VolumeName" },
  network: { section: "Network", keys: NETWORK_KEYS, suffix: "-network", nameKey: "NetworkName" },
  image: { section: "Image", keys: IMAGE_KEYS, suffix: "-image", nameKey: "ImageTag" },
  kube: { section: "Kube", keys: KUBE_KEYS, suffix: "" },
};
