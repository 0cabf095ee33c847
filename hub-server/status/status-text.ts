/** A hub's status for a terminal. */
import type { HubStatus, Usage } from "./hub-status.ts";

export function statusText(status: HubStatus, now = Date.now()): string {
  const lines = status.services.map(({ name, health, version, since, memory }) =>
    `${health === "healthy" ? "✔" : "✘"} ${name.padEnd(14)}${health.padEnd(11)}${(version ?? "").padEnd(16)}${(since ? `up ${ago(since, now)}` : "").padEnd(14)}${
      memory ? `${inBytes(memory.used)}${memory.limit ? ` of ${inBytes(memory.limit)}` : ""}` : ""
    }`.trimEnd(),
  );
  if (status.reportedAt === null) lines.push("✘ the host has given no report");
  else if (status.stale)
    lines.push(`✘ the host's report is old: ${ago(status.reportedAt, now)}, so this was so then`);
  else if (status.services.length === 0) lines.push("✘ Docker does not answer on the host");
  lines.push(
    `release ${status.version ?? "unknown"}`,
    ...usage("volume", status.volume),
    ...usage("disk", status.disk),
    ...usage("memory", status.memory),
  );
  const { certificate, keeping, lastBackup, lastProof, lastDrill, updates } = status;
  if (certificate)
    lines.push(`certificate ${certificate.daysLeft} days left, from ${certificate.issuer}`);
  if (keeping && keeping.state !== "serving") lines.push(`✘ certificate: ${keeping.message}`);
  lines.push(
    `last recovery point ${lastBackup ?? "none yet"}, last proven good ${lastProof ?? "none yet"}, last drill ${lastDrill ?? "none yet"}`,
    ...status.alarms.map(({ severity, text }) => `${severity === "alarm" ? "✘" : "·"} ${text}`),
  );
  if (updates) {
    lines.push(
      `updates of the host ${updates.packages ?? "unknown"}${updates.reboot ? ", a restart is due (it comes by itself at night)" : ""}`,
    );
  }
  return lines.map((line) => `${line}\n`).join("");
}

function usage(what: string, of: Usage | null): string[] {
  if (!of) return [];
  const share = of.size > 0 ? Math.round((of.used / of.size) * 100) : 0;
  return [`${what} ${inBytes(of.used)} of ${inBytes(of.size)} used (${share}%)`];
}

function inBytes(bytes: number): string {
  const gib = bytes / 1024 ** 3;
  return gib >= 1 ? `${gib.toFixed(1)} GiB` : `${Math.round(bytes / 1024 ** 2)} MiB`;
}

function ago(time: string, now: number): string {
  const seconds = Math.max(0, Math.round((now - Date.parse(time)) / 1000));
  for (const [unit, length] of [
    ["day", 86_400],
    ["hour", 3_600],
    ["minute", 60],
  ] as const) {
    const count = Math.floor(seconds / length);
    if (count > 0) return `${count} ${unit}${count === 1 ? "" : "s"}`;
  }
  return `${seconds} s`;
}
