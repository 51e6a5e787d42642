"""What becomes of the built artefacts before they are deployed."""
