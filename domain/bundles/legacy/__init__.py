"""Conversion of the configs of the legacy system to bundles."""
