"""``python -m infra.cli`` is ``topshelf``."""

from infra.cli.main import main

if __name__ == "__main__":
    main()
