// The connector {{name}}, with the official SDK of the Model Context Protocol.
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { z } from "zod";

const server = new McpServer({ name: "{{name}}", version: "0.1.0" });

server.registerTool(
  "Greet",
  {
    description: "Says hello.",
    inputSchema: { name: z.string().max(100).describe("Who is greeted.") },
    outputSchema: { greeting: z.string() },
    // What is said here about repeating a tool is what Crosspoint goes by.
    annotations: { readOnlyHint: true },
  },
  ({ name }) => {
    const greeting = `Hello, ${name}!`;
    return { content: [{ type: "text", text: greeting }], structuredContent: { greeting } };
  },
);

await server.connect(new StdioServerTransport());
