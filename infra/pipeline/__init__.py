"""What the stages of the pipeline do once the code is built: deploy, try, load, release, tell."""
