"""Bundles: agents, tools and workflows as files, their import, export and comparison."""
