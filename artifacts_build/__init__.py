"""The build step: data, models and weights become the files that serving reads.

May import `pointsman`; `pointsman` never imports this.
"""
