"""A leaf library without tables, shipped with massmail."""
