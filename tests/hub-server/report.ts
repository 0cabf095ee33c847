/** What a host that is well tells, now. */
import type { HostReport } from "../../hub-server/status/host-report.ts";

export function reportOf(over: Partial<HostReport> = {}): HostReport {
  return {
    time: new Date().toISOString(),
    release: "0123456789abcdef",
    containers: [containerOf("open-webui"), containerOf("nginx")],
    memory: { total: 4_000, used: 1_000 },
    load: [0.1, 0.2, 0.3],
    disk: { size: 100, used: 40 },
    volume: { size: 50, used: 10 },
    updates: { packages: 3, reboot: false },
    ...over,
  };
}

type Container = NonNullable<HostReport["containers"]>[number];

export function containerOf(service: string, over: Partial<Container> = {}): Container {
  return {
    service,
    image: `registry.example:5000/${service}:1.2`,
    state: "running",
    health: "healthy",
    startedAt: "2026-01-01T00:00:00Z",
    restarts: 0,
    memory: { used: 10, limit: 100 },
    ...over,
  };
}
