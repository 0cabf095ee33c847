/** What the engine's error means for the person at the keyboard. */
export function explain(error: unknown, stack = "at hand"): string {
  const text = error instanceof Error ? error.message : String(error);
  if (/incorrect passphrase/i.test(text)) {
    return (
      `The passphrase does not open the secrets of the stack ${stack}.\n` +
      "  Set the one it was made with: export PULUMI_CONFIG_PASSPHRASE=..."
    );
  }
  if (/passphrase must be set/i.test(text)) {
    return (
      `The stack ${stack} keeps its secrets by a passphrase, and none is set.\n` +
      "  export PULUMI_CONFIG_PASSPHRASE=..."
    );
  }
  if (/PULUMI_ACCESS_TOKEN must be set/i.test(text)) {
    return (
      "Pulumi does not know where to keep the state.\n" +
      "  Choose a place once: pulumi login (Pulumi's service), or pulumi login 's3://BUCKET?...' (your own; see README.md)"
    );
  }
  return `The engine says:\n  ${lastLines(text)}`;
}

function lastLines(text: string): string {
  const stderr = /stderr: ([\s\S]*)/.exec(text)?.[1] ?? text;
  return stderr
    .split("\n")
    .filter((line) => line.trim() !== "" && !/^\s*(err\?|at )/.test(line))
    .slice(0, 12)
    .join("\n  ");
}
