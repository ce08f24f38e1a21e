"""The connector {{name}}, with the official SDK of the Model Context Protocol."""

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from pydantic import BaseModel, Field

server = MCPServer("{{name}}")


class Greeting(BaseModel):
    greeting: str


# What is said here about repeating a tool is what Crosspoint goes by.
@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def Greet(name: str = Field(description="Who is greeted.")) -> Greeting:
    """Says hello."""
    if len(name) > 100:
        raise ToolError("the name is longer than 100 characters")
    return Greeting(greeting=f"Hello, {name}!")


if __name__ == "__main__":
    server.run()
