"""A connector in Python with the official SDK: figures about a list of numbers."""

import statistics

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from pydantic import BaseModel, Field

server = MCPServer("figures", instructions="Figures about lists of numbers.")


class Summary(BaseModel):
    count: int
    mean: float
    median: float
    deviation: float


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def Summarise(numbers: list[float] = Field(description="Two numbers or more.")) -> Summary:
    """Counts the numbers and says where their middle is."""
    if len(numbers) < 2:
        raise ToolError("at least two numbers are needed")
    return Summary(
        count=len(numbers),
        mean=statistics.fmean(numbers),
        median=statistics.median(numbers),
        deviation=statistics.stdev(numbers),
    )


if __name__ == "__main__":
    server.run()
