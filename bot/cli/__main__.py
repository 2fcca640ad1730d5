"""`python -m bot.cli`: the command line without its script."""

from bot.cli.main import main

main()
