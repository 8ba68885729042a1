"""What was learned, as files: the manifest, their integrity, and loading them. Import its modules by name.

Who only tells which artifact is in use reads `artifact.manifest`, and loads no numpy.
"""
