// A connector in TypeScript with the official SDK: counting working days.
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { z } from "zod";

const DAY = 24 * 60 * 60 * 1000;
const MOST = 3660;

const server = new McpServer({ name: "workdays", version: "1.0.0" });
const date = z.iso.date();

server.registerTool(
  "Count",
  {
    description: "Counts the days from Monday to Friday between two dates, both included.",
    inputSchema: {
      from: date.describe("The first day, such as 2026-11-30."),
      to: date.describe("The last day."),
      holidays: z.array(date).optional().describe("Days that do not count."),
    },
    outputSchema: { days: z.number().int() },
    annotations: { readOnlyHint: true },
  },
  ({ from, to, holidays }) => {
    const [first, last] = [Date.parse(from), Date.parse(to)];
    if (last < first || last - first > MOST * DAY) {
      // The code is what a diagram catches.
      const error = { error_code: "WrongDates", message: `'to' must be up to ${MOST} days after 'from'` };
      return { isError: true, content: [{ type: "text", text: error.message }], structuredContent: error };
    }
    const free = new Set(holidays);
    let days = 0;
    for (let at = first; at <= last; at += DAY) {
      const day = new Date(at);
      const isWorkday = day.getUTCDay() % 6 !== 0;
      days += Number(isWorkday && !free.has(day.toISOString().slice(0, 10)));
    }
    return { content: [{ type: "text", text: String(days) }], structuredContent: { days } };
  },
);

await server.connect(new StdioServerTransport());
