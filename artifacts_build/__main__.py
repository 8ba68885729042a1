"""`python -m artifacts_build`."""

from artifacts_build.cli import main

main()
