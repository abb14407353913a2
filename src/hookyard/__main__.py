"""`python -m hookyard`: the same as the `hookyard` command."""

from hookyard.entrypoints.cli.main import main

if __name__ == "__main__":
    main()
