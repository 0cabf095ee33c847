/** `npm run sweep`: what becomes of operations that are killed on the way. */
process.env.AIHUB_INSTANCE ??= "sweep";
// The rehearsal that it concerns is chosen when this is loaded.
const { sweepCommand } = await import("../rehearsal/sweep/sweep-command.ts");
// Connections of a client of the hub's must not keep the finished program from ending.
process.exit(await sweepCommand(process.argv.slice(2)));
