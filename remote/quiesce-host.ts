/**
 * Stops the services and lets go of the volume before the host goes. A host that is already dead, or half made,
 * must not keep the hub from being replaced, so this never fails.
 */
export function quiesceHost(): string {
  return [
    "timeout 180 docker ps -q --filter label=com.docker.compose.project=aihub | xargs -r timeout 150 docker stop --time 90 >/dev/null 2>&1 || true",
    "systemctl stop aihub-report.service >/dev/null 2>&1 || true",
    "timeout 60 sync || true",
    "systemctl stop docker.socket docker.service >/dev/null 2>&1 || true",
    "timeout 60 umount /data >/dev/null 2>&1 || true",
    "exit 0",
  ].join("; ");
}

const STOPPED = "/var/lib/aihub/stopped";

/**
 * The same before a host is switched off that comes back. What Docker was told to stop it leaves stopped at the next
 * start, so a service of the host starts it again: even where the rollout that follows has nothing to change.
 */
export function quiesceForRestart(): string {
  const unit = [
    "[Unit]",
    "Description=Start what was stopped before the host was switched off",
    "After=docker.service",
    "Requires=docker.service",
    `ConditionPathExists=${STOPPED}`,
    "",
    "[Service]",
    "Type=oneshot",
    `ExecStart=/bin/sh -c 'for id in $(cat ${STOPPED}); do docker start "$id" || true; done; rm -f ${STOPPED}'`,
    "",
    "[Install]",
    "WantedBy=multi-user.target",
  ];
  return [
    "ids=$(timeout 60 docker ps -q --no-trunc --filter label=com.docker.compose.project=aihub --filter label=com.docker.compose.oneoff=False 2>/dev/null || true)",
    // A second try finds nothing running any more; what the first one stopped is still to be started.
    `if [ -n "$ids" ]; then mkdir -p ${STOPPED.replace(/\/[^/]+$/, "")}; printf '%s\\n' "$ids" > ${STOPPED}; fi`,
    `printf '%s\\n' ${unit.map((line) => `'${line.replaceAll("'", "'\\''")}'`).join(" ")} > /etc/systemd/system/aihub-wake.service`,
    "systemctl enable --quiet aihub-wake.service >/dev/null 2>&1 || true",
    quiesceHost(),
  ].join("; ");
}
