export { runtimeSpecText, writeBundle } from "./bundle.ts";
export { cgroupDirectories, removeCgroupDirectories } from "./cgroup-directories.ts";
export { ClientHost, type ClientHostOptions, type Daemon, type Ended, until, untilNothing } from "./client-host.ts";
export { differentialConfigs } from "./configs/all.ts";
export { baseSpec, defaultCapabilities } from "./configs/base-spec.ts";
export {
  type Blob as TestBlob,
  bytesOf,
  type ContentStoreSubject,
  type MakeContentStore,
  makeBlob as makeTestBlob,
} from "./content-store-suite/content-bench.ts";
export { contentStoreSuite } from "./content-store-suite/content-store-suite.ts";
export { criuObstacle } from "./criu-obstacle.ts";
export { compareFacts, type FactDifference, OUTCOME_KEY } from "./differential/compare-facts.ts";
export type { ConfigContext, DifferentialConfig } from "./differential/differential-config.ts";
export type {
  DifferentialBundle,
  DifferentialResult,
  DifferentialRuntime,
} from "./differential/differential-runtime.ts";
export {
  type Comparison,
  type DifferenceReport,
  decodeExplainedDifferences,
  type ExplainedDifference,
  type FoundDifference,
  reportDifferences,
} from "./differential/explained-differences.ts";
export { type ConfigOutcome, runConfig } from "./differential/run-config.ts";
export { hookDiskCalls } from "./faults/hook-disk-calls.ts";
export { type ImageStoreSubject, imageStoreSuite } from "./image-store-suite/image-store-suite.ts";
export { type FixtureImage, type FixtureLayer, LayoutWriter } from "./images/layout-writer.ts";
export { type FixtureEntry, makeTar } from "./images/make-tar.ts";
export { schemaProblems, schemasObstacle } from "./images/schema-problems.ts";
export { assertNoLeak, assertNoLeakSince, findLeaks } from "./leaks/assert-no-leak.ts";
export { type KernelState, LEAK_KINDS, type Leak, type LeakKind, type LeakScope } from "./leaks/kernel-state.ts";
export { snapshotKernelState } from "./leaks/snapshot-kernel-state.ts";
export { type LeaseStoreSubject, leaseStoreSuite } from "./lease-store-suite/lease-store-suite.ts";
export { type LoopDisk, type LoopDiskOptions, tryLoopDisk } from "./loop-disk.ts";
export { type MountinfoEntry, parseMountinfo } from "./mountinfo.ts";
export { HELD_USER_MAPPING, type HeldNamespace, holdNamespaces, type NamespaceHolder } from "./namespace-holder.ts";
export { type BenchContainer, NetworkBench, WORLD as NETWORK_BENCH_WORLD } from "./network-suite/network-bench.ts";
export type { MakeNetworkDriver, NetworkSubject, NetworkSuiteOptions } from "./network-suite/network-subject.ts";
export { networkSuite, networkSuiteElsewhere, tryNetworkCase } from "./network-suite/network-suite.ts";
export { Peer } from "./network-suite/peer.ts";
export { type OciCommandOptions, OUTER_TERMINAL_SIZE, ociCommand, ociCommandVersion } from "./oci-command.ts";
export { patience } from "./patience.ts";
export type { ProbeContext, ProbeDump } from "./probe/probe-dump.ts";
export { PROBE_EXTRA_PATH, PROBE_PATH, PROBE_SCRIPT } from "./probe/probe-script.ts";
export { readProbe } from "./probe/read-probe.ts";
export {
  type CertificateWithKey,
  certificatesObstacle,
  makeCertificates,
  type TestCertificates,
} from "./registry/certificates.ts";
export { DockerRegistry, type DockerRegistryOptions, dockerRegistryObstacle } from "./registry/docker-registry.ts";
export { busyboxObstacle, makeBusyboxRootfs } from "./rootfs.ts";
export { runtimeSuite } from "./runtime-suite/runtime-suite.ts";
export type { MakeRuntime, RuntimeSuiteOptions, RuntimeSuiteSubject } from "./runtime-suite/suite-subject.ts";
export { enableSimpleQuotas } from "./simple-quotas.ts";
export { loopDevice } from "./snapshotter-suite/loop-device.ts";
export { SnapshotBench } from "./snapshotter-suite/snapshot-bench.ts";
export type {
  MakeSnapshotter,
  SnapshotterSuiteOptions,
  SnapshotterSuiteSubject,
} from "./snapshotter-suite/snapshotter-subject.ts";
export { snapshotterSuite } from "./snapshotter-suite/snapshotter-suite.ts";
export { type TemporaryDirectory, temporaryDirectory, withTemporaryDirectory } from "./temporary-directory.ts";
export { walkTree } from "./walk-tree.ts";
