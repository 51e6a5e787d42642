"""``python -m infra.pipeline``."""

from infra.pipeline.app import main

main()
