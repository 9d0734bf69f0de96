"""JSON Schema for tool parameters: checking schemas and validating arguments against them."""
