"""Synthetic images with exact labels, and how the weights were made.

The only part of the engine that draws with OpenGL.
"""
