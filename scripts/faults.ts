/** `npm run faults`: what becomes of acknowledged writes when something goes wrong. */
process.env.AIHUB_INSTANCE ??= "faults";
// The rehearsal that it concerns is chosen when this is loaded.
const { faultsCommand } = await import("../rehearsal/faults/faults-command.ts");
process.exitCode = await faultsCommand(process.argv.slice(2));
