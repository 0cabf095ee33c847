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
