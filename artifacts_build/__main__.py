"""`python -m artifacts_build`."""

from artifacts_build.commands.main import main

main()
