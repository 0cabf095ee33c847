/** Runs the MCP server alone: `npm run --silent mcp -- --workspace DIR --port N --token T`. */
import "../mcp-server/src/main.ts";
