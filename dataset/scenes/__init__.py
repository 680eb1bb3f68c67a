"""Procedural HDR scenes: a small numpy path tracer and the four pictures made with it."""
