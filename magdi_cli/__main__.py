"""`python -m magdi_cli` is `magdi`."""

from magdi_cli.cli.app import main

if __name__ == "__main__":
    main()
