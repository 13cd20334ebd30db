// table: the fields of Kubernetes' documents, what becomes of each, or why it is refused

/** One field of a document. */
export interface KubeField {
  /** What becomes of it. */
  readonly done?: string;
  /** Why it is not done; completes `Cannot play "spec.x": `. */
  readonly refused?: string;
}

export type KubeFields = Readonly<Record<string, KubeField>>;

const done = (what: string): KubeField => ({ done: what });
const refused = (why: string): KubeField => ({ refused: why });

const cluster = "it is about a cluster of machines";
const server = "only a cluster's server sets it";
const windows = "it is about Windows";
const seLinux = "SELinux labels are not set";
const source = "there are hostPath, emptyDir, configMap, secret and persistentVolumeClaim";

export const METADATA: KubeFields = {
  name: done("name of the pod; its containers are called NAME-CONTAINER"),
  namespace: done("`default` alone: there is one"),
  labels: done("labels of the pod and of its containers"),
  annotations: done("kept with the pod"),
  creationTimestamp: done("what `generate kube` writes; a new pod has its own"),
  generateName: refused("give it a name"),
  finalizers: refused(cluster),
  generation: refused(server),
  managedFields: refused(server),
  ownerReferences: refused(server),
  resourceVersion: refused(server),
  selfLink: refused(server),
  uid: refused(server),
  deletionTimestamp: refused(server),
  deletionGracePeriodSeconds: refused(server),
};

export const POD: KubeFields = {
  apiVersion: done("`v1`"),
  kind: done("`Pod`"),
  metadata: done("see Metadata"),
  spec: done("see PodSpec"),
  status: refused(server),
};

export const POD_SPEC: KubeFields = {
  containers: done("a container each"),
  initContainers: done("run one after the other, each to its end, before the others, at each start of the pod"),
  restartPolicy: done("`Always` (as when it is missing), `OnFailure`, `Never`"),
  terminationGracePeriodSeconds: done("how long a stop waits before it kills (30)"),
  volumes: done("see Volume"),
  hostNetwork: done("this machine's network instead of one of its own"),
  hostIPC: done("this machine's IPC instead of one of its own"),
  hostPID: done("its containers see this machine's processes"),
  hostUsers: done(
    "`true` for root, whose containers have this machine's users; `false` for an ordinary user, whose have not",
  ),
  hostname: done("host name of the pod"),
  hostAliases: done("lines of /etc/hosts"),
  dnsConfig: done("servers, search list and options of /etc/resolv.conf"),
  dnsPolicy: done("`Default` and `ClusterFirst` mean the same here; `None` leaves what dnsConfig says"),
  shareProcessNamespace: done("its containers see each other's processes"),
  securityContext: done("see PodSecurityContext"),
  resources: done("limits of all containers together, as of a container"),
  enableServiceLinks: done("there are no services: nothing comes of either"),
  automountServiceAccountToken: done("`false` alone: there is none"),
  os: done("`linux` alone"),
  activeDeadlineSeconds: refused("nothing ends a pod after a time"),
  affinity: refused(cluster),
  ephemeralContainers: refused("use orlop run --pod"),
  imagePullSecrets: refused("use orlop login"),
  nodeName: refused(cluster),
  nodeSelector: refused(cluster),
  overhead: refused(cluster),
  preemptionPolicy: refused(cluster),
  priority: refused(cluster),
  priorityClassName: refused(cluster),
  readinessGates: refused(cluster),
  resourceClaims: refused(cluster),
  runtimeClassName: refused("the runtime of a pod cannot be chosen yet"),
  schedulerName: refused(cluster),
  schedulingGates: refused(cluster),
  serviceAccount: refused(cluster),
  serviceAccountName: refused(cluster),
  setHostnameAsFQDN: refused("a pod has a host name and no domain"),
  subdomain: refused("a pod has a host name and no domain"),
  tolerations: refused(cluster),
  topologySpreadConstraints: refused(cluster),
};

export const DNS_CONFIG: KubeFields = {
  nameservers: done("servers"),
  searches: done("search list"),
  options: done("options: name, and value where there is one"),
};

export const DNS_OPTION: KubeFields = { name: done("name"), value: done("value") };

export const HOST_ALIAS: KubeFields = { ip: done("address"), hostnames: done("its names") };

export const POD_SECURITY: KubeFields = {
  runAsUser: done("user of all containers that say no other"),
  runAsGroup: done("group of all containers that say no other"),
  runAsNonRoot: done("user 0 is refused"),
  supplementalGroups: done("further groups"),
  seccompProfile: done("see SeccompProfile; of all containers that say no other"),
  sysctls: done("kernel parameters of the pod's namespaces"),
  fsGroup: refused("owners of volumes are not changed"),
  fsGroupChangePolicy: refused("owners of volumes are not changed"),
  supplementalGroupsPolicy: refused("groups are those that are said"),
  seLinuxOptions: refused(seLinux),
  seLinuxChangePolicy: refused(seLinux),
  appArmorProfile: done("see AppArmorProfile; of all containers that say no other"),
  windowsOptions: refused(windows),
};

export const SYSCTL: KubeFields = { name: done("name"), value: done("value") };

export const CONTAINER: KubeFields = {
  name: done("the container is called POD-NAME"),
  image: done("any image of orlop's: a reference, or `host`, `dir:PATH` and so on"),
  command: done("program and first arguments, instead of the image's; `$(NAME)` stands for a variable"),
  args: done("arguments, instead of the image's; `$(NAME)` stands for a variable"),
  workingDir: done("directory to start in"),
  env: done("variables; `$(NAME)` stands for one before"),
  envFrom: done("variables from a ConfigMap or Secret"),
  ports: done("see Port"),
  resources: done("see Resources"),
  volumeMounts: done("see VolumeMount"),
  imagePullPolicy: done("`IfNotPresent` (as when it is missing, whatever the tag), `Always`, `Never`"),
  securityContext: done("see SecurityContext"),
  stdin: done("standard input is kept open"),
  tty: done("a terminal"),
  livenessProbe: done("see Probe; a container that fails it is ended, and restartPolicy says what follows"),
  readinessProbe: done("see Probe; `orlop ps` tells"),
  startupProbe: done("see Probe; the others wait for it, and a container that fails it is ended"),
  lifecycle: refused("nothing is called at a start or end"),
  restartPolicy: refused("say it for the pod"),
  restartPolicyRules: refused("say it for the pod"),
  resizePolicy: refused("use orlop update"),
  stdinOnce: refused("standard input stays open"),
  terminationMessagePath: refused("use orlop logs"),
  terminationMessagePolicy: refused("use orlop logs"),
  volumeDevices: refused("block devices are not mounted"),
};

export const PROBE: KubeFields = {
  exec: done("`command`: a program in the container, which ends with 0"),
  httpGet: done("see Probe.httpGet"),
  tcpSocket: done("see Probe.tcpSocket"),
  initialDelaySeconds: done("from the start to the first (0)"),
  periodSeconds: done("from one to the next (10)"),
  timeoutSeconds: done("how long one may take (1)"),
  successThreshold: done("so many in a row pass (1)"),
  failureThreshold: done("so many in a row fail (3)"),
  terminationGracePeriodSeconds: refused("say it for the pod"),
  grpc: refused("ask by a program in the container"),
};

export const PROBE_EXEC: KubeFields = { command: done("program and arguments") };

export const PROBE_HTTP: KubeFields = {
  port: done("number, or name of a port of the container"),
  path: done("what is asked for (`/`); answers from 200 to 399 are good"),
  httpHeaders: done("`name` and `value` of each"),
  scheme: done("`HTTP` alone"),
  host: done("`localhost` or `127.0.0.1` alone: the container itself is asked, at its loopback"),
};

export const PROBE_HEADER: KubeFields = { name: done("name"), value: done("value") };

export const PROBE_TCP: KubeFields = {
  port: done("number, or name of a port of the container; it is connected with"),
  host: done("`localhost` or `127.0.0.1` alone"),
};

export const ENV: KubeFields = {
  name: done("name"),
  value: done("value"),
  valueFrom: done("from a ConfigMap, a Secret or the pod"),
};

export const VALUE_FROM: KubeFields = {
  configMapKeyRef: done("name, key, optional"),
  secretKeyRef: done("name, key, optional"),
  fieldRef: done("metadata.name, metadata.namespace, metadata.labels['X'], metadata.annotations['X']"),
  resourceFieldRef: refused("limits are not handed to programs"),
  fileKeyRef: refused("use a ConfigMap"),
};

export const KEY_REF: KubeFields = {
  name: done("name of the ConfigMap or Secret"),
  key: done("which of its values"),
  optional: done("it may be missing"),
};

export const FIELD_REF: KubeFields = { apiVersion: done("`v1`"), fieldPath: done("which field") };

export const ENV_FROM: KubeFields = {
  prefix: done("stands before each name"),
  configMapRef: done("name, optional"),
  secretRef: done("name, optional"),
};

export const SOURCE_REF: KubeFields = { name: done("name"), optional: done("it may be missing") };

export const PORT: KubeFields = {
  name: done("a name for people"),
  containerPort: done("port of the pod"),
  hostPort: done("port of this machine that leads there; without it nothing is published"),
  hostIP: done("address that listens: 127.0.0.1 unless it is said"),
  protocol: done("`TCP` (as when it is missing), `UDP`, `SCTP`"),
};

export const RESOURCES: KubeFields = {
  limits: done("cpu and memory: no more than that"),
  requests: done("cpu: weight against others; memory: what is taken back last"),
  claims: refused(cluster),
};

export const QUANTITIES: KubeFields = {
  cpu: done("`0.5`, `500m`"),
  memory: done("`128Mi`, `1G`"),
  "ephemeral-storage": refused("the disk is not limited so"),
};

export const SECURITY: KubeFields = {
  runAsUser: done("user, as a number"),
  runAsGroup: done("group, as a number"),
  runAsNonRoot: done("user 0 is refused"),
  privileged: done("all capabilities and devices, nothing filtered"),
  readOnlyRootFilesystem: done("the root file system is read-only"),
  allowPrivilegeEscalation: done("`false`: no program gains rights"),
  capabilities: done("add and drop"),
  seccompProfile: done("see SeccompProfile"),
  procMount: done("`Default`, or `Unmasked`: nothing in /proc is masked or read-only"),
  appArmorProfile: done("see AppArmorProfile"),
  seLinuxOptions: refused(seLinux),
  windowsOptions: refused(windows),
};

export const CAPABILITIES: KubeFields = {
  add: done("with or without CAP_"),
  drop: done("with or without CAP_, or ALL"),
};

export const SECCOMP: KubeFields = {
  type: done("`RuntimeDefault`, `Unconfined` or `Localhost`"),
  localhostProfile: done("file of the filter, below /var/lib/kubelet/seccomp"),
};

export const APP_ARMOR: KubeFields = {
  type: done("`RuntimeDefault` (the caller's own), `Unconfined` or `Localhost`"),
  localhostProfile: done("name of a profile that is loaded"),
};

export const VOLUME_MOUNT: KubeFields = {
  name: done("which volume"),
  mountPath: done("where"),
  readOnly: done("nothing can be written there"),
  mountPropagation: done("`None`, `HostToContainer`, `Bidirectional`"),
  recursiveReadOnly: refused("readOnly always goes for all below, too"),
  subPath: refused("mount all of the volume"),
  subPathExpr: refused("mount all of the volume"),
};

export const VOLUME: KubeFields = {
  name: done("name"),
  hostPath: done("a file or directory of this machine"),
  emptyDir: done("an empty directory, which goes with the pod"),
  configMap: done("files, read-only; what a ConfigMap of these documents says now"),
  secret: done("files, read-only"),
  persistentVolumeClaim: done("a volume of orlop's, made where it is not there"),
  awsElasticBlockStore: refused(source),
  azureDisk: refused(source),
  azureFile: refused(source),
  cephfs: refused(source),
  cinder: refused(source),
  csi: refused(source),
  downwardAPI: refused(source),
  ephemeral: refused(source),
  fc: refused(source),
  flexVolume: refused(source),
  flocker: refused(source),
  gcePersistentDisk: refused(source),
  gitRepo: refused(source),
  glusterfs: refused(source),
  image: refused(source),
  iscsi: refused(source),
  nfs: refused(source),
  photonPersistentDisk: refused(source),
  portworxVolume: refused(source),
  projected: refused(source),
  quobyte: refused(source),
  rbd: refused(source),
  scaleIO: refused(source),
  storageos: refused(source),
  vsphereVolume: refused(source),
};

export const HOST_PATH: KubeFields = {
  path: done("absolute"),
  type: done("`Directory`, `DirectoryOrCreate`, `File`, `Socket` and so on are checked; `FileOrCreate` is refused"),
};

export const EMPTY_DIR: KubeFields = {
  medium: refused("it is a directory on the disk"),
  sizeLimit: refused("directories have no limit"),
};

export const FILES: KubeFields = {
  name: done("of the ConfigMap"),
  secretName: done("of the Secret"),
  items: done("key, path, mode"),
  defaultMode: done("mode of files (0644)"),
  optional: done("it may be missing"),
};

export const FILE_ITEM: KubeFields = {
  key: done("which value"),
  path: done("name of the file"),
  mode: done("its mode"),
};

export const CLAIM_REF: KubeFields = {
  claimName: done("name of the volume"),
  readOnly: done("nothing can be written"),
};

export const DEPLOYMENT: KubeFields = {
  apiVersion: done("`apps/v1`"),
  kind: done("`Deployment`"),
  metadata: done("see Metadata"),
  spec: done("see DeploymentSpec"),
  status: refused(server),
};

export const DEPLOYMENT_SPEC: KubeFields = {
  replicas: done("so many pods, NAME-pod, or NAME-pod-0 and so on (1)"),
  selector: done("matchLabels has to be among the labels of the template"),
  template: done("metadata and spec of the pods"),
  strategy: refused(cluster),
  minReadySeconds: refused(cluster),
  paused: refused(cluster),
  progressDeadlineSeconds: refused(cluster),
  revisionHistoryLimit: refused(cluster),
};

export const SELECTOR: KubeFields = {
  matchLabels: done("labels of the template"),
  matchExpressions: refused("use matchLabels"),
};

export const TEMPLATE: KubeFields = { metadata: done("labels, annotations"), spec: done("see PodSpec") };

export const CONFIG_MAP: KubeFields = {
  apiVersion: done("`v1`"),
  kind: done("`ConfigMap`"),
  metadata: done("its name"),
  data: done("texts"),
  binaryData: done("bytes, in base64"),
  immutable: done("it is read once in any case"),
};

export const SECRET: KubeFields = {
  apiVersion: done("`v1`"),
  kind: done("`Secret`"),
  metadata: done("its name"),
  data: done("bytes, in base64"),
  stringData: done("texts"),
  immutable: done("it is read once in any case"),
  type: done("a word for programs of a cluster"),
};

export const CLAIM: KubeFields = {
  apiVersion: done("`v1`"),
  kind: done("`PersistentVolumeClaim`"),
  metadata: done("name and labels of the volume"),
  spec: done("see ClaimSpec"),
  status: refused(server),
};

export const CLAIM_SPEC: KubeFields = {
  accessModes: done("one machine has all of them"),
  resources: done("requests.storage has to be free when the volume is made"),
  volumeMode: done("`Filesystem` alone"),
  dataSource: refused("a new volume is empty"),
  dataSourceRef: refused("a new volume is empty"),
  selector: refused(cluster),
  storageClassName: refused(cluster),
  volumeName: refused(cluster),
  volumeAttributesClassName: refused(cluster),
};

export const CLAIM_RESOURCES: KubeFields = { requests: done("storage"), limits: refused("directories have no limit") };
export const STORAGE: KubeFields = { storage: done("`1Gi`") };

/** What the documentation shows, in this order. */
export const KUBE_TYPES: readonly (readonly [title: string, fields: KubeFields])[] = [
  ["Pod", POD],
  ["Metadata", METADATA],
  ["PodSpec", POD_SPEC],
  ["PodSecurityContext", POD_SECURITY],
  ["Container", CONTAINER],
  ["Probe", PROBE],
  ["Probe.httpGet", PROBE_HTTP],
  ["Probe.tcpSocket", PROBE_TCP],
  ["Env", ENV],
  ["Env.valueFrom", VALUE_FROM],
  ["EnvFrom", ENV_FROM],
  ["Port", PORT],
  ["Resources", RESOURCES],
  ["SecurityContext", SECURITY],
  ["SeccompProfile", SECCOMP],
  ["AppArmorProfile", APP_ARMOR],
  ["VolumeMount", VOLUME_MOUNT],
  ["Volume", VOLUME],
  ["Volume.hostPath", HOST_PATH],
  ["Volume.emptyDir", EMPTY_DIR],
  ["Volume.configMap, Volume.secret", FILES],
  ["Deployment", DEPLOYMENT],
  ["DeploymentSpec", DEPLOYMENT_SPEC],
  ["ConfigMap", CONFIG_MAP],
  ["Secret", SECRET],
  ["PersistentVolumeClaim", CLAIM],
  ["ClaimSpec", CLAIM_SPEC],
];
