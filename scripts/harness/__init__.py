"""What benchmarks, scripts and tests share: a served checkout, and an AWS to talk to."""
