"""`python -m gateway.cli`: the command line without the console script."""

from gateway.cli.app import main

main()
