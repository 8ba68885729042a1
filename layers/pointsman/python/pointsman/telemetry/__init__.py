"""What a process tells of its decisions: spans by OpenTelemetry, figures for Prometheus; both off until asked for.

Neither package is imported, and nothing is measured, where nothing asks for it. Nothing of a prompt is ever told.
"""
