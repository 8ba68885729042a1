"""Commands that measure. Figures worth keeping go to docs/results.md with date and commit."""
