import { DEFAULT_PATH } from "@orlop/core";
import type { ScriptStep } from "./script-steps.ts";

/** A program to be run as root in the root file system of an image. */
export interface ScriptProgram {
  readonly args: readonly string[];
  readonly env: readonly string[];
}

/**
 * What is different each time and tells nothing: logs, and what dpkg and debconf had before. mmdebstrap removes most of it,
 * too.
 */
const LEFTOVERS: readonly string[] = [
  "/var/log/dpkg.log",
  "/var/log/alternatives.log",
  "/var/log/bootstrap.log",
  "/var/log/apt/*.log",
  "/var/log/apt/*.log.xz",
  "/var/cache/ldconfig/aux-cache",
  "/var/cache/debconf/*-old",
  "/var/lib/dpkg/*-old",
  "/var/lib/dbus/machine-id",
];

/** A policy that starts no service (invoke-rc.d(8)). */
const POLICY = "/usr/sbin/policy-rc.d";
const FORBIDDEN = 101;

/**
 * Leaves the packages of an image installed, whose files are there: the steps, and what dpkg has left to configure then.
 * Asks nothing, starts no service, and leaves what is the same each time as far as the scripts do.
 */
export function scriptProgram(steps: readonly ScriptStep[], sourceDateEpoch: number): ScriptProgram {
  const lines = [
    "set -e",
    PREINST,
    `if [ -e ${POLICY} ]; then own=; else own=${POLICY}; printf '#!/bin/sh\\nexit ${FORBIDDEN}\\n' > ${POLICY}; chmod 755 ${POLICY}; fi`,
    ...steps.map((step) =>
      step.kind === "preinst"
        ? `preinst ${step.name} ${step.architecture}`
        : `dpkg --force-confold --configure ${step.names.join(" ")}`,
    ),
    "dpkg --force-confold --configure -a",
    `rm -f $own ${LEFTOVERS.join(" ")}`,
    // One for all containers would be none.
    "if [ -s /etc/machine-id ]; then : > /etc/machine-id; fi",
  ];
  return {
    args: ["/bin/sh", "-c", lines.join("\n")],
    env: [
      `PATH=${DEFAULT_PATH}`,
      "HOME=/root",
      "LC_ALL=C.UTF-8",
      "DEBIAN_FRONTEND=noninteractive",
      "DEBCONF_NONINTERACTIVE_SEEN=true",
      `SOURCE_DATE_EPOCH=${sourceDateEpoch}`,
    ],
  };
}

/** As dpkg calls one (dpkg(1), "ENVIRONMENT"), from where debconf takes it for one: the control files as they came. */
const PREINST = `preinst() {
  rm -rf /var/lib/dpkg/tmp.ci && mkdir /var/lib/dpkg/tmp.ci
  for file in "/var/lib/dpkg/info/$1".*; do cp -p "$file" "/var/lib/dpkg/tmp.ci/\${file#"/var/lib/dpkg/info/$1."}"; done
  echo "Package: \${1%:*}" > /var/lib/dpkg/tmp.ci/control
  (export DPKG_MAINTSCRIPT_PACKAGE="\${1%:*}" DPKG_MAINTSCRIPT_ARCH="$2" DPKG_MAINTSCRIPT_NAME=preinst
  export DPKG_MAINTSCRIPT_PACKAGE_REFCOUNT=1 DPKG_ADMINDIR=/var/lib/dpkg DPKG_ROOT= PERL_DL_NONLAZY=1
  /var/lib/dpkg/tmp.ci/preinst install) || { echo "the preinst of $1 has failed"; exit 1; }
  rm -rf /var/lib/dpkg/tmp.ci
}`;
