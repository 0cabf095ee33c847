import type { Operation } from "./resource.ts";

export interface OperationUnderTest extends Operation {
  /** What was shown beside the resource. */
  statuses: string[];
  /** What was reported, as "severity: text". */
  reports: string[];
}

export function operationUnderTest(
  options: { name?: string; signal?: AbortSignal; timeoutSeconds?: number } = {},
): OperationUnderTest {
  const statuses: string[] = [];
  const reports: string[] = [];
  return {
    urn: `urn:pulumi:test::tests::some:index:Thing::${options.name ?? "thing"}`,
    signal: options.signal ?? new AbortController().signal,
    timeoutSeconds: options.timeoutSeconds,
    statuses,
    reports,
    status: (text) => void statuses.push(text),
    report: (severity, text) => void reports.push(`${severity}: ${text}`),
  };
}
