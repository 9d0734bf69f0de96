"""Running the actions of a tool: executor, API and MCP calls, transforms and dry runs."""
