"""What was built, put together to be served: weights, artifact, compiled registry, wheel."""
