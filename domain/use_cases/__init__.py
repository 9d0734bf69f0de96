"""The use cases of the API: what a viewer may do with calls, workflows, tools and settings."""
