"""Agents, the workflows that connect them, and the routing between the nodes of a workflow."""
